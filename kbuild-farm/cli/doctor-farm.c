/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/doctor.h"

#include "conf/conf.h"
#include "kernel/capacity.h"
#include "node/own-key.h"
#include "node/roster.h"
#include "tls/key.h"
#include "tls/pin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#define DAY_S       86400
#define JOBS_ENOUGH 64 /* beside this machine's own: some boards' worth */

/* ----------------------------------------------------------------- keys */

static unsigned count_tls_nodes(void)
{
	struct node_roster roster = { 0 };
	struct conf *conf = NULL;
	struct err ignored;
	unsigned n = 0;

	if (!conf_load(&conf, NULL, &ignored) &&
	    !node_roster_load(&roster, conf, &ignored)) {
		for (size_t i = 0; i < roster.n; i++)
			n += roster.v[i].address.kind == NODE_TLS;
	}
	node_roster_release(&roster);
	conf_free(conf);
	return n;
}

static void add_key(struct doctor *d, const struct tls_key *key)
{
	char pin[TLS_PIN_TEXT];

	tls_pin_text(tls_key_pin(key), pin);
	doctor_add(d, "keys", DOCTOR_OK, NULL,
		   "%s is the key that this machine shows to its nodes", pin);
}

static void add_no_key(struct doctor *d, const char *path)
{
	unsigned n = count_tls_nodes();

	if (n)
		doctor_add(d, "keys", DOCTOR_WRONG,
			   "bring back the file, or type `kfarm nodes rekey` "
			   "for each of them",
			   "there is no %s, and %u node%s with a tls: address "
			   "know%s this machine by it",
			   path, n, n == 1 ? "" : "s", n == 1 ? "s" : "");
	else
		doctor_add(d, "keys", DOCTOR_OK, NULL,
			   "there is no %s yet; `kfarm nodes add` makes it",
			   path);
}

void doctor_keys(struct doctor *d)
{
	char *path = node_own_key_path();
	struct tls_key *key = NULL;
	struct err err = { 0 };
	int ret = tls_key_load(&key, path, &err);

	if (!ret)
		add_key(d, key);
	else if (ret == -ENOENT)
		add_no_key(d, path);
	else
		doctor_add(d, "keys", DOCTOR_WRONG, NULL, "%s", err.text);
	tls_key_free(key);
	free(path);
}

/* ---------------------------------------------------------------- clock */

/* When this program was installed: no clock can be right and before that. */
static time_t time_of_program(void)
{
	struct stat st;

	return stat("/proc/self/exe", &st) ? 0 : st.st_mtime;
}

void doctor_clock(struct doctor *d)
{
	struct timex state = { 0 };
	time_t now = time(NULL);
	struct tm tm;
	char date[32] = "?";

	if (gmtime_r(&now, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &tm);
	if (now + DAY_S < time_of_program())
		doctor_add(d, "clock", DOCTOR_WRONG,
			   "set it from the network: `timedatectl set-ntp "
			   "true`, or a package such as chrony",
			   "it says %s, which was before kfarm was installed: "
			   "make takes new files for old ones, and downloads "
			   "fail",
			   date);
	else if (adjtimex(&state) < 0 || !(state.status & STA_UNSYNC))
		doctor_add(d, "clock", DOCTOR_OK, NULL,
			   "it is %s, and kept right", date);
	else
		doctor_add(d, "clock", DOCTOR_NOTE,
			   "`timedatectl set-ntp true`, or a package such as "
			   "chrony",
			   "it is %s, and nothing keeps it right", date);
}

/* ------------------------------------------------------------- packages */

/* What programs of a kernel's own build are compiled with. */
void doctor_packages(struct doctor *d)
{
	static const struct {
		const char *header, *package, *for_what;
	} wanted[] = {
		{ "/usr/include/gelf.h", "libelf-dev",
		  "objtool (x86) and BTF are compiled with it" },
		{ "/usr/include/openssl/opensslv.h", "libssl-dev",
		  "signed modules and certificates take it" },
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		const char *name = wanted[i].package;
		char *todo = xasprintf("install %s, or what it is called here",
				       name);

		if (access(wanted[i].header, R_OK))
			doctor_add(d, "packages", DOCTOR_NOTE, todo,
				   "there is no %s: %s, in many kernels",
				   wanted[i].header, wanted[i].for_what);
		else
			doctor_add(d, "packages", DOCTOR_OK, NULL,
				   "%s is there", name);
		free(todo);
	}
}

/* --------------------------------------------------------------- limits */

void doctor_limits(struct doctor *d)
{
	static const char todo[] = "raise it: `ulimit -n`, `ulimit -u`, "
				   "limits.conf(5), or LimitNOFILE=, "
				   "LimitNPROC= and TasksMax= of the unit that "
				   "it runs in";
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned own = cores < 1 ? 1 : (unsigned)cores;
	char *why = NULL;
	unsigned jobs = kernel_capacity(&why, "");

	if (jobs < own + JOBS_ENOUGH)
		doctor_add(d, "limits", jobs < own ? DOCTOR_WRONG : DOCTOR_SLOW,
			   todo,
			   "no more than %u job%s at once, on this machine and "
			   "all nodes together: %s",
			   jobs, jobs == 1 ? "" : "s", why ? why : "?");
	else if (why)
		doctor_add(d, "limits", DOCTOR_OK, NULL,
			   "files and processes are enough for %u jobs at once",
			   jobs);
	else
		doctor_add(d, "limits", DOCTOR_OK, NULL,
			   "files and processes are not limited");
	free(why);
}
