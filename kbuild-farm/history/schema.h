/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history/schema.h - the tables, and how they came to be what they are.
 */
#ifndef HISTORY_SCHEMA_H
#define HISTORY_SCHEMA_H

#include "history/sql.h"

/* PRAGMA user_version: how many of the steps were taken. */
int history_schema_version(void);
/*
 * Bring an open file to this version, each step in a transaction of its own
 * with its number; nothing where it is there.  -EPROTONOSUPPORT when it is
 * newer; -EUCLEAN when it is another program's.
 */
int history_schema_update(struct history *h, struct err *err);

#endif
