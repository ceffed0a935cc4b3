/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report/json.h - A complete report in JSON.
 *
 * kfarm-report(1) describes its members.
 */
#ifndef REPORT_JSON_H
#define REPORT_JSON_H

#include "report/data.h"

#include <jansson.h>

/* Return a new reference to the report's object. */
json_t *report_json(const struct report_data *d);

#endif
