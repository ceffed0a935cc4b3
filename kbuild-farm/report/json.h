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

/* Return the report as a new object, which the caller releases. */
json_t *report_json(const struct report_data *d);

#endif
