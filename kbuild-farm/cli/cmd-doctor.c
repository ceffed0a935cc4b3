/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/fs.h"
#include "base/log.h"
#include "base/printable.h"
#include "cli/cmd.h"
#include "cli/doctor.h"
#include "cli/table.h"
#include "conf/conf.h"
#include "kernel/capacity.h"
#include "node/own-key.h"
#include "node/roster.h"
#include "tls/key.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#define DAY_S      86400
#define EXTRA_JOBS 64 /* jobs on nodes that the limits should allow */

/* Return the number of configured nodes with a tls: address. */
static unsigned count_tls_nodes(void)
{
	struct node_roster roster = { 0 };
	struct conf *conf = NULL;
	struct err ignored;
	unsigned n = 0;

	if (!conf_load(&conf, NULL, &ignored) &&
	    !node_roster_load(&roster, conf, &ignored)) {
		for (size_t i = 0; i < roster.n; i++)
			n += roster.v[i].address.kind == NODE_ADDRESS_TLS;
	}
	node_roster_release(&roster);
	conf_free(conf);
	return n;
}

/* Check the key with which the build host authenticates to nodes. */
static void doctor_check_keys(struct doctor *d)
{
	char *path = node_own_key_path();
	char pin[TLS_KEY_FINGERPRINT_SIZE];
	struct tls_key *key = NULL;
	struct err err = { 0 };
	int ret = tls_key_load(&key, path, &err);
	unsigned n = ret == -ENOENT ? count_tls_nodes() : 0;

	if (!ret) {
		tls_key_format_fingerprint(tls_key_fingerprint(key), pin);
		doctor_add_finding(
			d, "keys", DOCTOR_OK, NULL,
			"this machine identifies itself to nodes by the key %s",
			pin);
	} else if (ret != -ENOENT) {
		doctor_add_finding(d, "keys", DOCTOR_BROKEN, NULL, "%s",
				   err.text);
	} else if (n) {
		doctor_add_finding(
			d, "keys", DOCTOR_BROKEN,
			"restore the file, or run `kfarm nodes rekey` for "
			"each node",
			"missing %s: %u node%s with a tls: address expect%s "
			"its key",
			path, n, n == 1 ? "" : "s", n == 1 ? "s" : "");
	} else {
		doctor_add_finding(
			d, "keys", DOCTOR_OK, NULL,
			"%s does not exist yet; `kfarm nodes add` creates it",
			path);
	}
	tls_key_free(key);
	free(path);
}

/*
 * Check that the time of day is not before the installation of kfarm and that a
 * time service synchronizes it.
 */
static void doctor_check_clock(struct doctor *d)
{
	struct timex state = { 0 };
	time_t now = time(NULL), installed;
	struct stat st;
	struct tm tm;
	char date[32] = "?";

	if (gmtime_r(&now, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &tm);
	installed = stat("/proc/self/exe", &st) ? 0 : st.st_mtime;
	if (now + DAY_S < installed)
		doctor_add_finding(
			d, "clock", DOCTOR_BROKEN,
			"enable NTP with `timedatectl set-ntp true`, or "
			"install a package such as chrony",
			"%s is before kfarm was installed: make treats new "
			"files as old, and downloads fail",
			date);
	else if (adjtimex(&state) < 0 || !(state.status & STA_UNSYNC))
		doctor_add_finding(d, "clock", DOCTOR_OK, NULL,
				   "%s, synchronized", date);
	else
		doctor_add_finding(
			d, "clock", DOCTOR_NOTE,
			"enable NTP with `timedatectl set-ntp true`, or "
			"install a package such as chrony",
			"%s, not synchronized", date);
}

/* Check for the headers with which kernel builds compile host programs. */
static void doctor_check_packages(struct doctor *d)
{
	static const struct {
		const char *header, *package, *for_what;
	} wanted[] = {
		{ "/usr/include/gelf.h", "libelf-dev",
		  "objtool (x86) and BTF" },
		{ "/usr/include/openssl/opensslv.h", "libssl-dev",
		  "signed modules and certificates" },
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		const char *name = wanted[i].package;
		char *todo = xasprintf("install %s, or the equivalent package "
				       "of this distribution",
				       name);

		if (access(wanted[i].header, R_OK))
			doctor_add_finding(
				d, "packages", DOCTOR_NOTE, todo,
				"missing %s: many kernels need it for %s",
				wanted[i].header, wanted[i].for_what);
		else
			doctor_add_finding(d, "packages", DOCTOR_OK, NULL,
					   "%s is installed", name);
		free(todo);
	}
}

/* Check how many jobs the limits of open files and processes allow. */
static void doctor_check_limits(struct doctor *d)
{
	static const char todo[] = "raise the limit: `ulimit -n`, `ulimit "
				   "-u`, limits.conf(5), or LimitNOFILE=, "
				   "LimitNPROC= and TasksMax= of the systemd "
				   "unit";
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned own = cores < 1 ? 1 : (unsigned)cores;
	char *why = NULL;
	unsigned jobs = kernel_capacity(&why, "");

	if (jobs < own + EXTRA_JOBS)
		doctor_add_finding(
			d, "limits", jobs < own ? DOCTOR_BROKEN : DOCTOR_SLOW,
			todo,
			"at most %u concurrent job%s on this machine and all "
			"nodes together: %s",
			jobs, jobs == 1 ? "" : "s", why ? why : "?");
	else if (why)
		doctor_add_finding(
			d, "limits", DOCTOR_OK, NULL,
			"open files and processes suffice for %u concurrent "
			"jobs",
			jobs);
	else
		doctor_add_finding(d, "limits", DOCTOR_OK, NULL,
				   "open files and processes are not limited");
	free(why);
}

/* The command line. */
struct request {
	bool json, verbose;
};

#define AT(member) offsetof(struct request, member)

static const struct args_option options[] = {
	{ 0, "json", NULL, "print JSON", args_flag, AT(json), 0 },
	{ 'v', "verbose", NULL, "also print checks that passed", args_flag,
	  AT(verbose), 0 },
	{ 0 },
};

static const char *const states[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_NOTE] = "note",
	[DOCTOR_SLOW] = "slow",
	[DOCTOR_BROKEN] = "wrong",
};

/* Return the number of findings in a state. */
static size_t count_findings(const struct doctor *d, enum doctor_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_findings; i++)
		n += d->findings[i].state == state;
	return n;
}

/*
 * Replace control characters and invalid UTF-8, which paths can contain, so
 * that a finding is one line and valid in JSON.
 */
static void clean_text(char *text)
{
	if (text)
		printable_replace(text, strlen(text), 0, '?');
}

/* Count the findings in [from, to) with the check, state and advice of `f`. */
static size_t count_similar(const struct doctor *d, size_t from, size_t to,
			    const struct doctor_finding *f)
{
	size_t n = 0;

	for (size_t i = from; i < to; i++) {
		const struct doctor_finding *o = &d->findings[i];

		n += o->state == f->state && o->advice && f->advice &&
		     !strcmp(o->check, f->check) &&
		     !strcmp(o->advice, f->advice);
	}
	return n;
}

/*
 * Print finding `i`.  Of several findings with the same advice, print only the
 * first and the number of the others.  If `all` is true, print each finding,
 * but the advice only with the last.
 */
static void print_finding(const struct doctor *d, size_t i, bool all)
{
	const struct doctor_finding *f = &d->findings[i];
	size_t before = count_similar(d, 0, i, f);
	size_t after = count_similar(d, i + 1, d->n_findings, f);
	bool last = f->advice && (!all || !after);

	if (before && !all)
		return;
	printf("%-5s  %s: %s", states[f->state], f->check, f->text);
	if (after && !all)
		printf("; and %zu more like it (-v lists %s)", after,
		       after == 1 ? "it" : "them");
	printf("%s%s\n", last ? "; " : "", last ? f->advice : "");
}

/* Print the findings, the worst first, and a summary. */
static void print_findings(const struct doctor *d, bool all)
{
	for (int state = DOCTOR_BROKEN; state >= DOCTOR_OK; state--) {
		for (size_t i = 0; i < d->n_findings; i++) {
			if ((int)d->findings[i].state == state &&
			    (state != DOCTOR_OK || all))
				print_finding(d, i, all);
		}
	}
	printf("%zu checks: %zu wrong, %zu slow\n", d->n_findings,
	       count_findings(d, DOCTOR_BROKEN),
	       count_findings(d, DOCTOR_SLOW));
}

/* Print all findings as JSON, in the order of the checks. */
static void print_findings_json(const struct doctor *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->n_findings; i++) {
		const struct doctor_finding *f = &d->findings[i];

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:s?}", "check",
					f->check, "state", states[f->state],
					"what", f->text, "todo", f->advice));
	}
	table_print_json(list);
}

/* Run all checks with a temporary directory, which is removed afterwards. */
static int run_checks(struct doctor *d, struct err *err)
{
	const char *place = getenv("TMPDIR");
	char *tmp = xasprintf("%s/kfarm-doctor.XXXXXX",
			      place && *place ? place : "/tmp");
	int ret;

	if (!mkdtemp(tmp)) {
		ret = err_errno(err, "%s", tmp);
		free(tmp);
		return ret;
	}
	d->tmp_dir = tmp;
	doctor_check_programs(d);
	doctor_check_shell(d);
	doctor_check_space(d);
	doctor_check_packages(d);
	doctor_check_limits(d);
	doctor_check_clock(d);
	doctor_check_nodes(d);
	doctor_check_keys(d);
	doctor_check_toolchains(d);
	doctor_check_plugins(d);
	doctor_check_sandbox(d);
	d->tmp_dir = NULL;
	ret = fs_remove(tmp, err);
	free(tmp);
	return ret;
}

static int doctor_main(char *const *argv)
{
	const char *path = getenv("PATH");
	struct doctor d = { .path = path ? path : "/usr/bin:/bin",
			    .data_dir = fs_data_home() };
	struct request r = { 0 };
	struct err err = { 0 };
	struct args args;
	int status = EXIT_USAGE, got;

	args_init(&args, options, argv);
	got = args_read(&args, &r, &err);
	if (got > 0)
		err_set(&err, EINVAL, "unexpected argument \"%s\"", args.value);
	if (got || run_checks(&d, &err)) {
		log_error("%s", err.text);
		goto out;
	}
	for (size_t i = 0; i < d.n_findings; i++) {
		clean_text(d.findings[i].text);
		clean_text(d.findings[i].advice);
	}
	if (r.json)
		print_findings_json(&d);
	else
		print_findings(&d, r.verbose);
	status = count_findings(&d, DOCTOR_BROKEN) ? EXIT_USAGE : EXIT_OK;
out:
	for (size_t i = 0; i < d.n_findings; i++) {
		free(d.findings[i].text);
		free(d.findings[i].advice);
	}
	free(d.findings);
	free(d.data_dir);
	return status;
}

const struct cmd cmd_doctor = {
	.name = "doctor",
	.usage = "[--json] [-v]",
	.help = "check this machine for problems and suggest remedies",
	.options = options,
	.extra_help =
		"Prints a line for each problem (wrong), each waste of time (slow) and each note,\nwith a remedy.  Changes nothing.  Exit status: 0, or 1 if something is wrong.\n",
	.run = doctor_main,
};
