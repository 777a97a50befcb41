/* SPDX-License-Identifier: GPL-2.0-only */
/* What is nobody's business, taken out of texts that are sent to others. */
#ifndef RTD3CTL_MASK_H
#define RTD3CTL_MASK_H

void mask_text(char *text);
void mask_word(char *text, const char *word);

#endif /* RTD3CTL_MASK_H */
