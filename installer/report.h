/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Detections, plans and results, for people and as JSON (fields: guest-tools-setup(8)). */
#ifndef SETUP_REPORT_H
#define SETUP_REPORT_H

#include <jansson.h>

#include "plan.h"

json_t *report_detection_json(const struct detection *d, const struct options *options);
void report_detection(const struct detection *d, const struct options *options);

json_t *report_plan_json(const struct context *c, const struct plan *plan);
void report_plan(const struct context *c, const struct plan *plan);

/* report_missing_modules() - a line for each kernel that gets no module */
void report_missing_modules(const struct plan *plan);

/* report_print() - the document to stdout; takes the reference */
void report_print(json_t *document);

#endif
