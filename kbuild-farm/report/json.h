/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report/json.h - a report for programs: all that there is, nothing left out.
 * Its members are described in kfarm(1).
 */
#ifndef REPORT_JSON_H
#define REPORT_JSON_H

#include "report/data.h"

#include <jansson.h>

/* A new reference to an object. */
json_t *report_json(const struct report_data *d);

#endif
