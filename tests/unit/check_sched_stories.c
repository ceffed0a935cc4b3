/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sched */
/*
 * Each story in tests/sched is a test with the title of the story as its name.
 * KFARM_UPDATE=1 rewrites the actions in the files.  Run from the top
 * directory.
 */
#include "sched-story.h"

#include <glob.h>

#define WIDTH 72 /* of the lines of actions, without the indentation */

struct story_test {
	const char *path, *title;
};

static struct story_test *story_tests;
static int n_stories;

FIXTURE(NULL, story_release);

TEST(titles_are_unique_and_without_colons)
{
	ck_assert_int_gt(n_stories, 0);
	for (int i = 0; i < n_stories; i++) {
		/* libcheck separates the fields of its output by colons. */
		ck_assert_ptr_null(strchr(story_tests[i].title, ':'));
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(story_tests[i].title,
					 story_tests[k].title);
	}
}

/* Add the actions of the last line, indented and wrapped. */
static void add_actions(struct buf *out)
{
	struct strv groups = { 0 };
	size_t column = 0;
	char *text;

	for (size_t i = 0; i < story.actions.n; i++)
		strv_add(&groups,
			 *story.actions.v[i] ? story.actions.v[i] : "-");
	text = strv_join(&groups, " | ");
	/* No event of the line causes an action. */
	if (!text[strspn(text, "-| ")])
		*text = '\0';
	for (const char *at = text; *at;) {
		size_t len = strcspn(at, ";|");
		bool fits;

		len += at[len] != '\0';
		fits = column && column + 1 + len <= WIDTH;
		buf_add_str(out, fits ? " " : column ? "\n\t" : "\t");
		buf_add(out, at, len);
		column = fits ? column + 1 + len : len;
		at += len + (at[len] == ' ');
	}
	buf_add_str(out, column ? "\n" : "");
	free(text);
	strv_release(&groups);
}

static size_t line_length(const char *at)
{
	size_t len = strcspn(at, "\n");

	return len + (at[len] == '\n');
}

/* Play a line of a story; return false if it has no events. */
static bool play_line(const char *line)
{
	char *events;

	if (strchr("#-\t\n", *line))
		return false;
	events = xstrndup(line, strcspn(line, "\n"));
	story_play(events);
	free(events);
	return true;
}

static void add_difference(struct buf *out, char sign, const char *text)
{
	for (size_t len; *text; text += len) {
		len = line_length(text);
		buf_printf(out, "%c%.*s", sign, (int)len, text);
	}
}

static void run_story(int i)
{
	const struct story_test *test = &story_tests[i];
	char *heading = xasprintf("\n== %s\n", test->title);
	char *file = test_read_file(test->path);
	const char *start = strstr(file, heading), *at;
	struct buf got = { 0 }, differences = { 0 };
	struct err err = { 0 };

	ck_assert_ptr_nonnull(start);
	start += strlen(heading);
	buf_add(&got, file, (size_t)(start - file));
	for (at = start; *at && !str_starts(at, "== ");) {
		size_t got_len, line = line_length(at), len = line;
		char *want;

		while (at[len] == '\t')
			len += line_length(at + len);
		buf_add(&got, at, line);
		got_len = got.len;
		if (str_starts(at, "-- ")) {
			for (const char *shared = start;
			     !str_starts(shared, "-- ");
			     shared += line_length(shared))
				play_line(shared);
		} else if (play_line(at)) {
			add_actions(&got);
		}
		want = xstrndup(at + line, len - line);
		if (strcmp(want, buf_str(&got) + got_len)) {
			buf_printf(&differences, " %.*s", (int)line, at);
			add_difference(&differences, '-', want);
			add_difference(&differences, '+',
				       buf_str(&got) + got_len);
		}
		free(want);
		at += len;
	}
	buf_add_str(&got, at);
	if (getenv("KFARM_UPDATE"))
		must(fs_write(test->path, buf_bytes(&got), 0644, &err));
	else
		ck_assert_msg(!differences.len, "%s: %s\n%s", test->path,
			      test->title, buf_str(&differences));
	buf_release(&got);
	buf_release(&differences);
	free(heading);
	free(file);
}

static void register_story(const char *path, const char *title)
{
	struct test *test = xcalloc(1, sizeof(*test));

	story_tests = xrealloc(story_tests,
			       (n_stories + 1) * sizeof(*story_tests));
	story_tests[n_stories] = (struct story_test){ path, title };
	test->ttest = (TTest){ title, run_story, __FILE__, __LINE__ };
	test->from = n_stories++;
	test->to = n_stories;
	test_add(test);
}

__attribute__((constructor)) static void register_stories(void)
{
	struct err err = { 0 };
	glob_t files = { 0 };

	/* An assertion is possible only in a test. */
	glob("tests/sched/*.story", 0, NULL, &files);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		char *path = xstrdup(files.gl_pathv[i]);
		struct buf text = { 0 };
		const char *at;

		fs_read(path, 1 << 20, &text, &err);
		at = buf_str(&text);
		while ((at = strstr(at, "\n== "))) {
			at += strlen("\n== ");
			register_story(path, xstrndup(at, strcspn(at, "\n")));
		}
		buf_release(&text);
	}
	globfree(&files);
}
