/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/doctor.h"
#include "cli/table.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/printable.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct request {
	bool json, verbose;
};

#define AT(member) offsetof(struct request, member)

static const struct args_option options[] = {
	{ 0, "json", NULL, "print JSON", args_flag, AT(json), 0 },
	{ 'v', "verbose", NULL, "print what is well, too", args_flag,
	  AT(verbose), 0 },
	{ 0 },
};

static const char *const states[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_NOTE] = "note",
	[DOCTOR_SLOW] = "slow",
	[DOCTOR_WRONG] = "wrong",
};

static size_t count_findings(const struct doctor *d, enum doctor_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++)
		n += d->v[i].state == state;
	return n;
}

/* Paths may be anything; a line stays a line, and JSON is UTF-8. */
static void clean_text(char *text)
{
	if (text)
		printable_clean(text, strlen(text), 0, '?');
}

/* Is the same to be done about both? */
static bool is_alike(const struct doctor_finding *a,
		     const struct doctor_finding *b)
{
	return a->state == b->state && a->todo && b->todo &&
	       !strcmp(a->check, b->check) && !strcmp(a->todo, b->todo);
}

static size_t count_alike(const struct doctor *d, size_t from, size_t to,
			  const struct doctor_finding *f)
{
	size_t n = 0;

	for (size_t i = from; i < to; i++)
		n += is_alike(&d->v[i], f);
	return n;
}

/* Of some that are alike the first stands for all, or all come, and what to
 * do about them once. */
static void print_finding(const struct doctor *d, size_t i, bool all)
{
	const struct doctor_finding *f = &d->v[i];
	size_t before = count_alike(d, 0, i, f);
	size_t behind = count_alike(d, i + 1, d->n, f);
	bool last = f->todo && (all ? !behind : true);

	if (before && !all)
		return;
	printf("%-5s  %s: %s", states[f->state], f->check, f->what);
	if (behind && !all)
		printf("; so it is with %zu more (-v names %s)", behind,
		       behind == 1 ? "it" : "them");
	printf("%s%s\n", last ? "; " : "", last ? f->todo : "");
}

static void print_findings(const struct doctor *d, bool all)
{
	/* What does not work comes first. */
	for (int state = DOCTOR_WRONG; state >= DOCTOR_OK; state--) {
		for (size_t i = 0; i < d->n; i++) {
			if ((int)d->v[i].state == state &&
			    (state != DOCTOR_OK || all))
				print_finding(d, i, all);
		}
	}
	printf("%zu looked at: %zu wrong, %zu slow\n", d->n,
	       count_findings(d, DOCTOR_WRONG), count_findings(d, DOCTOR_SLOW));
}

static void print_findings_json(const struct doctor *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->n; i++) {
		const struct doctor_finding *f = &d->v[i];

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:s?}", "check",
					f->check, "state", states[f->state],
					"what", f->what, "todo", f->todo));
	}
	table_json(list);
}

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
	d->tmp = tmp;
	doctor_programs(d);
	doctor_shell(d);
	doctor_space(d);
	doctor_packages(d);
	doctor_limits(d);
	doctor_clock(d);
	doctor_nodes(d);
	doctor_keys(d);
	doctor_toolchains(d);
	doctor_plugins(d);
	doctor_sandbox(d);
	d->tmp = NULL;
	ret = fs_remove(tmp, err);
	free(tmp);
	return ret;
}

static void release_findings(struct doctor *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].what);
		free(d->v[i].todo);
	}
	free(d->v);
	free(d->data);
}

static int parse_options(struct request *r, char *const *argv, struct err *err)
{
	struct args args;
	int got;

	args_init(&args, options, argv);
	got = args_read(&args, r, err);
	return got > 0 ? err_set(err, EINVAL, "what is \"%s\"?", args.value) :
			 got;
}

static int doctor_main(char *const *argv)
{
	const char *path = getenv("PATH");
	struct doctor d = { .path = path ? path : "/usr/bin:/bin",
			    .data = fs_data_home() };
	struct request r = { 0 };
	struct err err = { 0 };
	int status = EXIT_USAGE;

	if (parse_options(&r, argv, &err) || run_checks(&d, &err)) {
		log_error("%s", err.text);
		goto out;
	}
	for (size_t i = 0; i < d.n; i++) {
		clean_text(d.v[i].what);
		clean_text(d.v[i].todo);
	}
	if (r.json)
		print_findings_json(&d);
	else
		print_findings(&d, r.verbose);
	status = count_findings(&d, DOCTOR_WRONG) ? EXIT_USAGE : EXIT_OK;
out:
	release_findings(&d);
	return status;
}

const struct cmd cmd_doctor = {
	.name = "doctor",
	.usage = "[--json] [-v]",
	.help = "what is wrong or slow on this machine, and what to do",
	.options = options,
	.more = "Prints a line for each thing that does not work (wrong), "
		"costs time (slow) or is\nworth knowing (note), with what to "
		"do about it.  Changes nothing.  Exit status: 0, or\n1 when "
		"something is wrong.\n",
	.run = doctor_main,
};
