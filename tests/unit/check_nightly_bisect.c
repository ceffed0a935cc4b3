/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: nightly */
#include "nightly/bisect.h"

#include "../lib/fake-clock.h"
#include "../lib/shell.h"
#include "../lib/tempdir.h"
#include "../lib/test.h"

/*
 * n0 to n12 form a linear history.  m1 and m2 form a branch from n3, like a
 * branch before it was rewritten.  x has no common history with the others.
 */
static const char history[] =
	"mkdir -p kfarm/trees; git init -q w; cd w; "
	"for i in 0 1 2 3 4 5 6 7 8 9 10 11 12; do "
	"git commit -q --allow-empty -m \"number $i\"; git tag n$i; done; "
	"git checkout -q --detach n3; "
	"for i in 1 2; do git commit -q --allow-empty -m \"other $i\"; "
	"git tag m$i; done; "
	"git checkout -q --orphan y; git commit -q --allow-empty -m x; "
	"git tag x; "
	"git clone -q --mirror . ../kfarm/trees/t.git; "
	"mkdir ../kfarm/trees/t; mv ../kfarm/trees/t.git "
	"../kfarm/trees/t/repo.git";

static char dir[TEMPDIR_SIZE];

/* The simulated results of builds, and the log of builds. */
struct simulation {
	const char *bad, *broken; /* tags, for example "n5 n6" */
	unsigned ms; /* duration of a build */
	char *log;
};

static void set_up(void)
{
	tempdir_make(dir);
	shell_git_setup(dir);
	setenv("XDG_DATA_HOME", dir, 1);
	setenv("KFARM_CONFIG", "/dev/null", 1);
	shell_run(dir, history);
}

static void tear_down(void)
{
	tempdir_remove(dir);
}

static char *id_of(const char *tag)
{
	char *command = xasprintf("git -C w rev-parse %s", tag);
	char *id = shell_ask(dir, command);

	id[strcspn(id, "\n")] = '\0';
	free(command);
	return id;
}

static char *tag_of(const char *id)
{
	char *command = xasprintf("git -C w tag --points-at %s", id);
	char *tag = shell_ask(dir, command);

	tag[strcspn(tag, "\n")] = '\0';
	free(command);
	return tag;
}

static int build(void *ctx, const char *commit, size_t between,
		 enum nightly_end *end, struct err *err)
{
	struct simulation *p = ctx;
	char *tag = tag_of(commit), *log;

	(void)between;
	fake_clock_ms += p->ms;
	*end = str_list_has(p->bad, ' ', tag)    ? NIGHTLY_END_FAILED :
	       str_list_has(p->broken, ' ', tag) ? NIGHTLY_END_BROKEN :
						   NIGHTLY_END_GOOD;
	log = xasprintf("%s%s%s", p->log ? p->log : "", p->log ? " " : "", tag);
	free(p->log);
	p->log = log;
	free(tag);
	return str_equal(p->broken, "stop") ?
		       err_set(err, ECANCELED, "stopped") :
		       0;
}

static const struct story {
	const char *good, *bad; /* tags */
	struct simulation simulation;
	unsigned builds, ms;
	const char *log; /* log of builds */
	const char *first; /* subject of the first bad commit, or NULL */
	const char *reason, *remaining; /* expected texts, or NULL */
} stories[] = {
	{ "n0",
	  "n12",
	  { "n5 n6 n7 n8 n9 n10 n11 n12", NULL, 0, NULL },
	  99,
	  1000,
	  "n6 n3 n4 n5",
	  "number 5",
	  NULL,
	  NULL },
	{ "n11",
	  "n12",
	  { "n12", NULL, 0, NULL },
	  99,
	  1000,
	  NULL,
	  "number 12",
	  NULL,
	  NULL },
	/* The limits of builds and time are respected. */
	{ "n0",
	  "n12",
	  { "n12", NULL, 0, NULL },
	  2,
	  1000,
	  "n6 n9",
	  NULL,
	  "stopped after 2 builds: it is one of the 3 commits up to ",
	  NULL },
	{ "n0",
	  "n12",
	  { "n12", NULL, 0, NULL },
	  1,
	  1000,
	  "n6",
	  NULL,
	  "stopped after 1 build: it is one of the 6 commits up to ",
	  NULL },
	{ "n0",
	  "n12",
	  { "n12", NULL, 600, NULL },
	  99,
	  1000,
	  "n6 n9",
	  NULL,
	  "stopped for lack of time, after 2 builds: it is one of the 3 ",
	  NULL },
	{ "n0",
	  "n12",
	  { "n12", NULL, 0, NULL },
	  0,
	  1000,
	  NULL,
	  NULL,
	  "stopped after 0 builds: it is one of the 12 ",
	  NULL },
	/* The end of the time ends a build, also of the merge base. */
	{ "n10",
	  "n12",
	  { "n12", "n11", 1000, NULL },
	  99,
	  1000,
	  "n11",
	  NULL,
	  "stopped for lack of time, after 1 build: it is one of the 2 ",
	  NULL },
	{ "m2",
	  "n6",
	  { "n5 n6", "n3", 1000, NULL },
	  99,
	  1000,
	  "n3",
	  NULL,
	  "for lack of time, after 1 build: it is unknown whether the merge base",
	  NULL },
	/* Some commits cannot be tested. */
	{ "n4",
	  "n8",
	  { "n7 n8", "n5 n6", 0, NULL },
	  99,
	  1000,
	  "n6 n5 n7",
	  NULL,
	  NULL,
	  "number 5, number 6, number 7" },
	/* The branch was rewritten. */
	{ "m2",
	  "n6",
	  { "n5 n6", NULL, 0, NULL },
	  99,
	  1000,
	  "n3 n4 n5",
	  "number 5",
	  NULL,
	  NULL },
	{ "m2",
	  "n6",
	  { "n2 n3 n4 n5 n6", NULL, 0, NULL },
	  99,
	  1000,
	  "n3",
	  NULL,
	  " is bad as well",
	  NULL },
	{ "m2",
	  "n6",
	  { "n5 n6", "n3", 0, NULL },
	  99,
	  1000,
	  "n3",
	  NULL,
	  " cannot be built",
	  NULL },
	{ "x",
	  "n6",
	  { "n5 n6", NULL, 0, NULL },
	  99,
	  1000,
	  NULL,
	  NULL,
	  "have no common history",
	  NULL },
};

/* Return the subjects of "SHA12 subject" lines, as "a, b"; NULL if empty. */
static char *subjects_of(const struct strv *remaining)
{
	struct strv subjects = { 0 };
	char *out;

	for (size_t i = 0; i < remaining->n; i++)
		strv_add(&subjects, remaining->v[i] + 13);
	out = remaining->n ? strv_join(&subjects, ", ") : NULL;
	strv_release(&subjects);
	return out;
}

static void release_result(struct nightly_bisect_result *b)
{
	free(b->first_bad);
	free(b->subject);
	free(b->incomplete_reason);
	strv_release(&b->candidates);
}

FIXTURE(set_up, tear_down);
TIMEOUT(60);

TEST_EACH(a_bisection_finds_the_commit_or_reports_why_not, stories)
{
	struct simulation simulation = row->simulation;
	struct nightly_bisect_result found;
	char *good = id_of(row->good), *bad = id_of(row->bad), *remaining;
	struct nightly_search s = {
		.tree = "t",
		.good = good,
		.bad = bad,
		.max_builds = row->builds,
		.until_ms = clock_ms() + row->ms,
		.build_commit = build,
		.ctx = &simulation,
	};
	struct err err = { 0 };

	if (nightly_bisect(&s, &found, &err))
		ck_abort_msg("%s", err.text);
	ck_assert_pstr_eq(simulation.log, row->log);
	ck_assert_pstr_eq(found.subject, row->first);
	ck_assert_int_eq(found.first_bad != NULL, row->first != NULL);
	ck_assert_int_eq(found.incomplete_reason != NULL, row->reason != NULL);
	if (row->reason && !strstr(found.incomplete_reason, row->reason))
		ck_abort_msg("%s", found.incomplete_reason);
	remaining = subjects_of(&found.candidates);
	ck_assert_pstr_eq(remaining, row->remaining);
	free(remaining);
	release_result(&found);
	free(simulation.log);
	free(bad);
	free(good);
}

TEST(a_canceled_build_ends_the_bisection)
{
	struct simulation simulation = { .broken = "stop" };
	char *good = id_of("n0"), *bad = id_of("n9");
	struct nightly_search s = {
		.tree = "t",
		.good = good,
		.bad = bad,
		.max_builds = 9,
		.until_ms = UINT64_MAX,
		.build_commit = build,
		.ctx = &simulation,
	};
	struct nightly_bisect_result found;
	struct err err = { 0 };

	err_is(nightly_bisect(&s, &found, &err), -ECANCELED, "stopped");
	ck_assert_uint_eq(found.n_builds, 0);
	release_result(&found);
	free(simulation.log);
	free(bad);
	free(good);
}
