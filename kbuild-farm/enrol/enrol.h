/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * enrol/enrol.h - a machine becomes a node, is one no more, or gets a new key:
 * the scripts for node/remote, and what they answer.
 *
 * Installed is one static program.  As root, by sudo or doas as well, it
 * becomes a service that listens, lets in the build hosts that
 * /etc/kfarm/clients names, and is started at boot.  Without root it lies in
 * the user's ~/.local/bin, for `ssh HOST kfarmd --stdio`.  Keys do not travel,
 * their fingerprints do.  Each script leaves what is as it should be; an
 * interrupted one is run again.
 */
#ifndef ENROL_ENROL_H
#define ENROL_ENROL_H

#include "node/remote.h"

#include <stdbool.h>
#include <stdint.h>

enum enrol_mode {
	ENROL_SERVICE,
	ENROL_SSH
};

enum enrol_what {
	ENROL_DO_INSTALL, /* update as well */
	ENROL_DO_REMOVE,
	ENROL_DO_REKEY
};

struct enrol_wish {
	enum enrol_what what;
	enum enrol_mode mode;
	const char *pin; /* this build host's fingerprint; "" with ENROL_SSH */
	const char *client; /* its name among those that are let in */
	unsigned port; /* 0: as it was, else 3634 */
	bool installed_only; /* `nothing` is done where we installed nothing */
};

/* What a node answered; strings are clean (base/printable) and may be NULL. */
struct enrol_answer {
	char *machine; /* as uname -m says */
	char *rootless; /* the user who could not become root */
	bool service; /* else through ssh */
	char *program; /* where kfarmd lies there */
	bool asked; /* for the program: it has been sent, or said to be kept */
	uint64_t sent; /* its bytes; 0: it was there */
	char *key; /* its fingerprint, checked; of a service */
	unsigned port; /* on which that listens */
	char *user; /* as whom that runs */
	char *init; /* what starts it at boot: "systemd"; "none" */
	bool removed, nothing; /* nothing of ours was there */
	unsigned kept; /* for how many other build hosts it stays */
	bool done; /* all of it */
};

/* The script for `wish`, appended to `out`. */
void enrol_script(struct buf *out, const struct enrol_wish *wish);
/*
 * For node_remote.on_line, `ctx` a struct enrol_answer that begins zeroed:
 * reads what the script says, and sends it the program for that machine.
 */
node_remote_line enrol_line;
/*
 * Did it tell all that a node that was installed has?  Else -EPROTO, after
 * which nothing of the answer is to be believed.
 */
int enrol_answer_check(const struct enrol_answer *a, struct err *err);
void enrol_answer_release(struct enrol_answer *a);

/* "root@build": a client's name for this user on this machine. */
char *enrol_client_name(void);

#endif
