/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report/json.h - A complete report in JSON.
 *
 * kfarm-report(1) describes the members of the JSON object.
 */
#ifndef REPORT_JSON_H
#define REPORT_JSON_H

#include "report/data.h"

#include <jansson.h>

/*
 * Return a build as a new object.  The members of its result are null unless
 * the end of the build is recorded.
 */
json_t *report_json_build(const struct history_build *b);
/* Return the report as a new object, which the caller releases. */
json_t *report_json(const struct report_data *d);

#endif
