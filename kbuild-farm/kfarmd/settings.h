/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarmd/settings.h - Settings of kfarmd: command line, node.conf, addresses.
 *
 * The file node.conf in the configuration directory (--config) has the syntax
 * of git-config.  The keys of [node] are names of command line options.  An
 * option on the command line takes precedence.
 *
 *	[node]
 *		listen = 3634
 *		slots = 4
 *		store = /mnt/ssd/kfarm
 *	[client "nightly-host"]
 *		weight = 30
 *
 * A listening address is "[ADDR:]PORT", for example "3634", "192.0.2.1:3634" or
 * "[2001:db8::1]:3634".  Without ADDR, kfarmd listens on all IPv6 and IPv4
 * addresses.  Port 0 selects any free port.
 */
#ifndef KFARMD_SETTINGS_H
#define KFARMD_SETTINGS_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

struct sockaddr_storage;

#define KFARMD_SETTINGS_PORT "3634"

/*
 * Create a non-blocking socket that listens at the address `text`.  Returns 0
 * with the socket in *fd and its address as text in *bound_address, both owned
 * by the caller; -EADDRINUSE or another negative errno with `err` set.
 */
int kfarmd_settings_listen(const char *text, int *fd, char **bound_address,
			   struct err *err);
/* Format an address as "192.0.2.7:40123"; the caller frees the text. */
char *kfarmd_settings_format_address(const struct sockaddr_storage *peer);

#define KFARMD_SETTINGS_CONFIG_DIR "/etc/kfarm"

#define KFARMD_SETTINGS_WEIGHT     100 /* default weight of a client */
#define KFARMD_SETTINGS_WEIGHT_MAX 1000

/* The exchange of files with other nodes. */
enum kfarmd_settings_neighbors {
	KFARMD_SETTINGS_NEIGHBORS_DEFAULT, /* not given: as with "yes" */
	KFARMD_SETTINGS_NEIGHBORS_YES,
	KFARMD_SETTINGS_NEIGHBORS_NO,
};

/* Weight of the client with this name (kfarmd/slots.h). */
struct kfarmd_settings_client {
	const char *name;
	unsigned weight;
};

struct kfarmd_settings {
	bool stdio;
	/* elements: unix:PATH, or addresses for kfarmd_settings_listen() */
	struct strv listen;
	const char *config; /* configuration directory; NULL: not given */
	const char *store; /* NULL: the default */
	uint64_t store_size; /* bytes; 0: the default */
	const char *toolchains; /* NULL: next to the store */
	struct strv hosts; /* architectures in addition to the native one */
	enum kfarmd_settings_neighbors neighbors;
	bool relay, init, check, status, json, prometheus;
	uint16_t slots;
	bool version, help; /* print the version or the help, and exit */
	struct kfarmd_settings_client *clients;
	size_t n_clients;
	struct strv config_strings; /* owns the strings of node.conf */
};

/*
 * Read the command line `argv`, which does not include the program name.  If
 * --config is given or kfarmd listens on the network, also read node.conf, but
 * not with --init, --check, --help or --version.  Returns 0, or a negative
 * errno with `err` set.
 */
int kfarmd_settings_read(struct kfarmd_settings *s, char *const *argv,
			 struct err *err);
/* Free the lists of `s`. */
void kfarmd_settings_release(struct kfarmd_settings *s);
/* Return the directory of key.pem, clients and node.conf. */
const char *kfarmd_settings_dir(const struct kfarmd_settings *s);
/*
 * Return the weight of the client with this name.  The weight is
 * KFARMD_SETTINGS_WEIGHT if `s` or `name` is NULL, or if the settings contain
 * no weight for this client.
 */
unsigned kfarmd_settings_weight(const struct kfarmd_settings *s,
				const char *name);
/* Return the text of --help; the caller frees it. */
char *kfarmd_settings_help(void);

#endif
