# SPDX-License-Identifier: GPL-2.0-only
# A formatter for prove: its own output, and one last line with the counts.
package Rtd3Summary;

use strict;
use warnings;

# As prove itself chooses: no progress display where nobody can see it move.
use parent -t STDOUT ? 'TAP::Formatter::Console' : 'TAP::Formatter::File';

sub summary {
    my ($self, $aggregate, @rest) = @_;

    $self->SUPER::summary($aggregate, @rest);

    # A program that failed as a whole counts, though no test of it may have.
    my $failed = $aggregate->failed;
    for my $parser ($aggregate->parsers) {
        $failed++ if $parser->has_problems && !$parser->failed;
    }
    my $skipped = $aggregate->skipped;
    $skipped += grep { $_->skip_all } $aggregate->parsers;
    my $passed = $aggregate->passed - $aggregate->skipped;
    printf "%d passed, %d failed%s\n", $passed, $failed,
        $skipped ? ", $skipped skipped" : '';
}

1;
