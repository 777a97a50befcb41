/* SPDX-License-Identifier: GPL-2.0-only */
/* A recording as a picture. */
#ifndef RTD3CTL_CHART_H
#define RTD3CTL_CHART_H

#include <cairo.h>

#include "tape.h"

double chart_width(void);
double chart_height(const struct tape *tape);
void chart_draw(cairo_t *cr, const struct tape *tape);

#endif /* RTD3CTL_CHART_H */
