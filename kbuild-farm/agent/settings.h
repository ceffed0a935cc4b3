/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/settings.h - what a kfarmd is told: its command line, and DIR/node.conf
 * in the syntax of git-config.
 *
 *	[node]
 *		listen = 3634
 *		slots = 4
 *		store = /mnt/ssd/kfarm
 *
 * The keys are options' names; what the command line says counts.
 */
#ifndef AGENT_SETTINGS_H
#define AGENT_SETTINGS_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

#define AGENT_CONFIG "/etc/kfarm"

struct agent_settings {
	bool stdio;
	struct strv listen; /* unix:PATH, or what agent/port.h takes */
	const char *config; /* the directory; NULL: not given */
	const char *store; /* NULL: the default */
	uint64_t store_size; /* bytes; 0: the default */
	const char *toolchains; /* NULL: beside the store */
	struct strv hosts; /* beside the machine's own */
	bool init, check, status, json;
	uint16_t slots;
	bool version, help; /* that is all that is wanted */
	struct strv kept; /* strings of node.conf */
};

/*
 * Read the command line, without the program's name, then node.conf where
 * --config is given or it is to listen to a network.  0, or -EINVAL or another
 * negative errno with `err` set.
 */
int agent_settings_read(struct agent_settings *s, char *const *argv,
			struct err *err);
void agent_settings_release(struct agent_settings *s);
/* Where key.pem, clients and node.conf are. */
const char *agent_settings_dir(const struct agent_settings *s);
/* The text of --help; the caller frees it. */
char *agent_settings_help(void);

#endif
