# SPDX-License-Identifier: GPL-2.0-only
# A formatter for prove: its own output, then what was skipped and what failed, with what the
# programs said about it, and one last line with the counts.
package Rtd3Summary;

use strict;
use warnings;

# As prove itself chooses: no progress display where nobody can see it move.
use parent -t STDOUT ? 'TAP::Formatter::Console' : 'TAP::Formatter::File';

# Of one program: more is in the file.
use constant LINES => 60;

# What a program said: its results of one kind, and the comments behind each; or its last words.
sub quote {
    my ($name, $kind) = @_;
    my (@all, @found, $in);

    (my $file = $name) =~ s/\.t$/.tap/;
    open(my $tap, '<', $file) or return "$file: $!\n";
    while (my $line = <$tap>) {
        push @all, $line;
        $in = $line =~ $kind || ($in && $line =~ /^#/);
        push @found, $line if $in;
    }
    @found = @all[($#all > 4 ? -5 : -@all) .. -1] if !@found && @all;
    my $more = @found - LINES;
    return (@found[0 .. LINES - 1], "# and $more lines more\n") if $more > 0;
    return @found;
}

sub summary {
    my ($self, $aggregate, @rest) = @_;

    $self->SUPER::summary($aggregate, @rest);

    # A program that failed as a whole counts, though no test of it may have.
    my $failed = $aggregate->failed;
    for my $name ($aggregate->descriptions) {
        my ($parser) = $aggregate->parsers($name);

        print "$name:\n", quote($name, qr/# SKIP/)
            if $parser->skipped || $parser->skip_all;
        next if !$parser->has_problems;
        $failed++ if !$parser->failed;
        print "$name:\n", quote($name, qr/^not ok/);
    }
    my $skipped = $aggregate->skipped;
    $skipped += grep { $_->skip_all } $aggregate->parsers;
    # They count as passed where they fail.
    my $known = $aggregate->todo;
    printf "%d known failures, see tests/rig/known-failures\n", $known if $known;
    my $passed = $aggregate->passed - $aggregate->skipped - $known;
    printf "%d passed, %d failed%s\n", $passed, $failed,
        $skipped ? ", $skipped skipped" : '';
}

1;
