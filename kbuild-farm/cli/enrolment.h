/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/enrolment.h - what the verbs of `kfarm nodes` share that install
 * something on a node, by ssh.
 */
#ifndef CLI_ENROLMENT_H
#define CLI_ENROLMENT_H

#include "enrol/enrol.h"
#include "node/roster.h"
#include "tls/pin.h"

/*
 * The fingerprint of this build host's key, ~/.config/kfarm/key.pem, which is
 * made where there is none.
 */
int enrolment_pin(char out[static TLS_PIN_TEXT], struct err *err);
/*
 * Have `wish` done on the node `name`, which ssh calls `ssh`, while `what` is
 * shown; `pin` and `client` are set here.  0 when all was done; or as
 * node_remote_run(), or a negative errno, with `err` naming the node.
 */
int enrolment_run(const char *name, const char *ssh, struct enrol_wish *wish,
		  const char *what, struct enrol_answer *a, struct err *err);
/*
 * Has no other node of `r` than `name` that key?  A node that tells another's
 * as its own, with a way there, would have that one set aside.
 */
int enrolment_check_key(const struct node_roster *r, const char *name,
			const char *key, struct err *err);
/*
 * "tls:HOST:PORT" of the machine that ssh calls [USER@]HOST, as its
 * configuration says (HostName); the caller frees it.
 */
int enrolment_address(const char *ssh, unsigned port, char **out,
		      struct err *err);
/* Tell, a line or two, what was done on the node `name`. */
void enrolment_tell(const char *name, const struct enrol_answer *a);

#endif
