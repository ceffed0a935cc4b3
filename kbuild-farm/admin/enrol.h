/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * admin/enrol.h - Enrolment, removal and key change of a machine as a node.
 *
 * The scripts run on the machine through admin/remote-script.h.  kfarm embeds
 * the scripts and the service files from templates/enrol and templates/systemd.
 *
 * An installation adds one program, kfarmd.  If the script runs as root, or can
 * become root through sudo or doas, kfarmd becomes a service that starts at
 * boot and accepts the build hosts of /etc/kfarm/clients.  Without root, kfarmd
 * is installed in ~/.local/bin, for `ssh HOST kfarmd --stdio`.  Only
 * fingerprints are exchanged, never keys.  Each script is idempotent, so the
 * user can simply repeat it after an interruption.
 *
 * `make` builds a static kfarmd for the architecture of the build host, and
 * `make nodes` builds static kfarmds for other architectures.  If kfarm runs
 * from its build directory, these programs are nodes/kfarmd-HOST in that
 * directory.  If kfarm is installed, they are ../lib/kfarm/nodes/kfarmd-HOST
 * relative to kfarm's directory.  If `make` found no static libraries, nodes of
 * the build host's architecture receive the dynamically linked kfarmd next to
 * kfarm.  The script checks that the program starts on the node before it
 * replaces an installed kfarmd.
 */
#ifndef ADMIN_ENROL_H
#define ADMIN_ENROL_H

#include "admin/remote-script.h"
#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Find the kfarmd program for `host` that belongs to the kfarm program at the
 * absolute path `kfarm`.  Returns 0 or -errno with `err` set; the caller frees
 * *path.
 */
int admin_kfarmd_program_find_near(const char *kfarm, const char *host,
				   char **path, struct err *err);

enum admin_enrol_mode {
	ADMIN_ENROL_MODE_SERVICE,
	ADMIN_ENROL_MODE_SSH
};

enum admin_enrol_action {
	ADMIN_ENROL_ACTION_INSTALL, /* install or update */
	ADMIN_ENROL_ACTION_REMOVE,
	ADMIN_ENROL_ACTION_REKEY
};

struct admin_enrol_options {
	enum admin_enrol_action action;
	enum admin_enrol_mode mode;
	const char *fingerprint; /* fingerprint of this build host */
	/* name of the build host in the node's list of clients */
	const char *client_name;
	/* 0: the configured port, or 3634 if no port is configured */
	unsigned port;
	/*
	 * Lines "FINGERPRINT NAME" of the other tls: nodes, or NULL.  With
	 * ADMIN_ENROL_MODE_SSH, the lines include a tls: node of the same name.
	 * In this mode, the script removes a service that `kfarm nodes add`
	 * installed on the machine.  The service is not removed if another
	 * build host uses it, or if a line contains the fingerprint of the
	 * service's key.
	 */
	const char *other_nodes;
	/* settings of the node for the manual instructions, or NULL */
	const char *slots, *codec;
	bool installed_only; /* do nothing unless kfarm installed kfarmd */
};

/* The node's answers.  Strings are safe for display and can be NULL. */
struct admin_enrol_result {
	char *machine; /* uname -m */
	/* user name on the node if root access is missing, otherwise NULL */
	char *rootless;
	bool is_service; /* kfarmd runs as a service, not through ssh */
	/*
	 * At first, the SHA-256 of the kfarmd that the node already has.  At
	 * the end of an installation, the path of the installed kfarmd.  At the
	 * end of a removal, the path of a kfarmd that remains, because it was
	 * installed before the node was added.
	 */
	char *program;
	bool program_requested; /* the script requested the program */
	uint64_t sent_bytes; /* size of the sent program; 0: not sent */
	char *fingerprint; /* fingerprint of the service's key */
	unsigned port; /* port on which the service listens */
	char *user; /* user as which the service runs */
	/*
	 * A directory that the service has taken over from another user, such
	 * as "/var/lib/kfarm/store of user root"
	 */
	char *taken_dir;
	/* init system that starts the service, such as "systemd"; or "none" */
	char *init;
	bool removed; /* kfarmd, or an earlier service, was removed */
	bool not_installed; /* kfarm has not installed kfarmd on the node */
	/* other build hosts that still use the node */
	unsigned n_other_clients;
	bool completed; /* the script ran to its end */
};

/* Append the script for `wish` to `out`. */
void admin_enrol_add_script(struct buf *out,
			    const struct admin_enrol_options *wish);
/*
 * Callback on_line of struct admin_remote_script; `ctx` is a zeroed struct
 * admin_enrol_result.  Parses the script's output and sends the program for the
 * machine.
 */
admin_remote_script_line_fn admin_enrol_on_line;
/*
 * Check that the answers of an installation are complete.  Returns 0 or
 * -EPROTO.  After -EPROTO, the caller must not use any answer.
 */
int admin_enrol_result_check(const struct admin_enrol_result *a,
			     struct err *err);
/* Free the strings. */
void admin_enrol_result_release(struct admin_enrol_result *a);

/*
 * Return this user's default client name, such as "root@build".  The caller
 * frees the result.
 */
char *admin_enrol_client_name(void);

/*
 * Store "tls:HOST[:PORT]" in *out, which the caller frees.  HOST is the
 * HostName that the configuration of ssh gives for the destination `ssh`.  The
 * port is omitted if it is the default.  Returns 0, or a negative errno with
 * `err` set if ssh cannot be run.
 */
int admin_enrol_address(const char *ssh, unsigned port, char **out,
			struct err *err);

/*
 * Append instructions for installing the machine `ssh` manually as the node
 * `name`, including the contents of all files.
 */
void admin_enrol_manual_add(struct buf *out, const char *name, const char *ssh,
			    const struct admin_enrol_options *wish);

#endif
