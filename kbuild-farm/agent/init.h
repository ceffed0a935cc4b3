/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/init.h - kfarmd --init: what a node of the network needs.
 */
#ifndef AGENT_INIT_H
#define AGENT_INIT_H

#include "base/err.h"

/*
 * Make the directory `dir`, and in it key.pem, clients and node.conf, each
 * where it is not there yet; print the fingerprint of the key.  0, or a
 * negative errno with `err` set.
 */
int agent_init(const char *dir, struct err *err);

#endif
