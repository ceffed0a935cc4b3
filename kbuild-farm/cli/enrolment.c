/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/enrolment.h"

#include "base/log.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/version.h"
#include "cli/remote.h"
#include "node/address.h"
#include "node/own-key.h"
#include "tls/key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SSH_CONFIG_MS  10000
#define SSH_CONFIG_MAX (1u << 20) /* bytes of what ssh -G prints */

int enrolment_pin(char out[static TLS_PIN_TEXT], struct err *err)
{
	struct tls_key *key = NULL;
	int ret = node_own_key_open(&key, err);

	if (!ret)
		tls_pin_text(tls_key_pin(key), out);
	tls_key_free(key);
	return ret;
}

int enrolment_run(const char *name, const char *ssh, struct enrol_wish *wish,
		  const char *what, struct enrol_answer *a, struct err *err)
{
	struct node_remote remote = {
		.name = name, .ssh = ssh, .on_line = enrol_line, .ctx = a
	};
	char *client = enrol_client_name();
	char pin[TLS_PIN_TEXT];
	struct buf script = { 0 };
	int ret = enrolment_pin(pin, err);

	if (!ret) {
		wish->pin = pin;
		wish->client = client;
		enrol_script(&script, wish);
		remote.script = buf_bytes(&script);
		ret = remote_run(&remote, what, NULL, err);
	}
	if (!ret && wish->what == ENROL_DO_INSTALL) {
		ret = enrol_answer_check(a, err);
		if (ret)
			err_wrap(err, "node %s", name);
	} else if (!ret && !a->done) {
		ret = err_set(err, EIO,
			      "node %s: the script ended before all was done",
			      name);
	}
	wish->pin = wish->client = NULL;
	buf_release(&script);
	free(client);
	return ret;
}

int enrolment_check_key(const struct node_roster *r, const char *name,
			const char *key, struct err *err)
{
	struct digest pin;

	if (!tls_pin_parse(&pin, key))
		return err_set(err, EPROTO, "node %s: \"%s\" is no key", name,
			       key);
	for (size_t i = 0; i < r->n; i++) {
		const struct node_entry *e = &r->v[i];

		if (strcmp(e->name, name) != 0 && digest_equal(&e->pin, &pin))
			return err_set(err, EEXIST,
				       "node %s says that its key is %s, which "
				       "is that of %s: it is the same machine, "
				       "or a copy of its disk, or it lies",
				       name, key, e->name);
	}
	return 0;
}

/* The value of a line "hostname VALUE"; the caller frees it, NULL: none. */
static char *host_name_of(const char *text)
{
	const char *at = strstr(text, "\nhostname ");

	if (!at && str_starts(text, "hostname "))
		at = text - 1;
	if (!at)
		return NULL;
	at += strlen("\nhostname ");
	return xstrndup(at, strcspn(at, "\n"));
}

int enrolment_address(const char *ssh, unsigned port, char **out,
		      struct err *err)
{
	char *const argv[] = { "ssh", "-G", (char *)ssh, NULL };
	struct spawn what = { .argv = argv, .fd = { -1, -1, -1 } };
	const char *at = strrchr(ssh, '@');
	struct buf text = { 0 };
	char *host = NULL;
	int status = 0;
	int ret = spawn_capture(&what, SSH_CONFIG_MAX, SSH_CONFIG_MS, &text,
				&status, err);

	if (!ret && !status)
		host = host_name_of(buf_str(&text));
	/* An ssh before 6.8 knows no -G. */
	if (!ret && !host)
		host = xstrdup(at ? at + 1 : ssh);
	if (!ret) {
		bool ipv6 = strchr(host, ':');

		*out = xasprintf("tls:%s%s%s", ipv6 ? "[" : "", host,
				 ipv6 ? "]" : "");
		if (port != (unsigned)atoi(NODE_TLS_PORT)) {
			char *longer = xasprintf("%s:%u", *out, port);

			free(*out);
			*out = longer;
		}
	}
	free(host);
	buf_release(&text);
	return ret;
}

void enrolment_tell(const char *name, const struct enrol_answer *a)
{
	if (a->sent)
		log_info("%s: kfarmd " KFARM_VERSION " for %s went there, "
			 "%.1f MiB, as %s",
			 name, a->machine, (double)a->sent / (1 << 20),
			 a->program);
	else
		log_info("%s: %s is kfarmd " KFARM_VERSION " already", name,
			 a->program);
	if (!a->service)
		return;
	log_info("%s: it runs as the user %s and listens on port %u, key %s",
		 name, a->user, a->port, a->key);
	if (str_equal(a->init, "none"))
		log_warning("%s: nothing there starts it at boot: neither "
			    "systemd, OpenRC, update-rc.d, chkconfig, an rcS, "
			    "/etc/rc.local nor cron; have "
			    "`/usr/local/sbin/kfarmd.init start` run then",
			    name);
	else
		log_info("%s: %s starts it at boot", name, a->init);
}
