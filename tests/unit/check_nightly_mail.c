/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: nightly */
/*
 * Mails of nightly runs, parsed by the email package of python3
 * (tests/nightly/check-mails.py).
 */
#include "nightly/mail.h"

#include "../lib/random.h"
#include "../lib/shell.h"
#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "base/printable.h"
#include "golden.h"

#define MAILS 150

static char dir[TEMPDIR_SIZE];
static struct nightly_mail m;

static void set_up(void)
{
	tempdir_make(dir);
	setenv("TZ", "CET-1", 1);
	m = (struct nightly_mail){
		.from = "kfarm <u@build.example.org>",
		.to = "Jörg Müller <j@example.org>, root@localhost,"
		      "\"Kay, \\\"the\\\" builder\" <k@example.org>",
		.name = "mainline",
		.result = "FAIL",
		.subject = "[kfarm] FAIL mainline v6.1-rc3-12-gabc "
			   "arm64-defconfig-gcc-13.3: 2 errors (new), 1 "
			   "warning",
		.text = "New errors:\n  a.c:1:1: error: no\n",
		.date_s = 1795140000,
		.host = "build.example.org",
		.sequence = 7,
	};
}

static void tear_down(void)
{
	tempdir_remove(dir);
}

static char *write_mail(void)
{
	struct buf out = { 0 };
	struct err err = { 0 };

	must(nightly_mail_write(&out, &m, &err));
	return buf_steal(&out);
}

static void put(const char *suffix, int number, struct bytes text)
{
	char *path = xasprintf("%s/%d.%s", dir, number, suffix);
	struct err err;

	must(fs_write(path, text, 0644, &err));
	free(path);
}

FIXTURE(set_up, tear_down);

TEST(a_plain_mail_matches_the_golden_file)
{
	char *got;

	m.to = "kernel@example.org";
	got = write_mail();
	golden_file("tests/nightly/mail.txt", got);
	free(got);
}

TEST(a_mail_with_non_ascii_text_matches_the_golden_file)
{
	char *got;

	m.to = "Jörg <j@example.org>";
	m.subject = "[kfarm] FAIL grüße v6.1 arm64-defconfig-gcc-13.3: ‘x’ "
		    "undeclared — and a word on the next line, too";
	m.text = "  error: ‘x’ undeclared=20\n.\nFrom here on \n";
	got = write_mail();
	golden_file("tests/nightly/mail-encoded.txt", got);
	free(got);
}

/* Pieces with a special meaning for mail programs. */
static const char *const pieces[] = {
	"\n",
	"\r\n",
	"\n\n",
	"\nBcc: v@example.org\n",
	" ",
	"\t",
	"=?",
	"=?utf-8?q?=41?=",
	"?=",
	"=",
	"=\n",
	"\nFrom me\n",
	"\n.\n",
	"\033[m",
	"\xe2\x80\xae",
	"\xff",
	"\xc3\xa4",
	"ä‘€’",
	"🐧",
	"word",
	"a,b",
	"<b@c>",
	"\"",
	"\\",
	"\x7f",
	"\xc2\x85",
	"\xe2\x80\xa8",
	"                         ",
	"averyveryveryveryveryveryveryveryveryveryveryveryverylongword",
};

static void add_pieces(struct buf *out, unsigned most)
{
	for (unsigned n = pick(most); n; n--)
		buf_add_str(out, ONE_OF(pieces));
}

/* Add the expected words of a subject in printable form. */
static void add_words(struct buf *out, const char *subject)
{
	struct strv words = { 0 };
	struct buf shown = { 0 };
	char *line = xstrdup(subject), *text;

	for (char *c = line; *c; c++) {
		if (strchr("\t\r\n", *c))
			*c = ' ';
	}
	printable_add_escaped(&shown, bytes_str(line), 0);
	strv_split(&words, buf_str(&shown), " ");
	text = strv_join(&words, " ");
	if (strlen(text) > 400) {
		size_t n = 397;

		while ((text[n] & 0xc0) == 0x80)
			n--;
		buf_printf(out, "%.*s...", (int)n, text);
	} else {
		buf_add_str(out, text);
	}
	free(text);
	free(line);
	strv_release(&words);
	buf_release(&shown);
}

TEST(python_decodes_random_mails_to_the_expected_text)
{
	char *top = fs_make_absolute("tests/nightly/check-mails.py");
	char *script = xasprintf("python3 %s .", top), *output;

	pick_start(1);
	for (int i = 0; i < MAILS; i++) {
		struct buf subject = { 0 }, text = { 0 }, want = { 0 };
		char *mail;

		buf_add_str(&subject, "[kfarm]");
		add_pieces(&subject, 20);
		add_pieces(&text, 100);
		m.subject = buf_str(&subject);
		m.text = buf_str(&text);
		mail = write_mail();
		put("eml", i, bytes_str(mail));
		add_words(&want, m.subject);
		buf_add_str(&want, "\n");
		printable_add_escaped(&want, buf_bytes(&text),
				      PRINTABLE_WHITESPACE);
		if (!str_ends(buf_str(&want), "\n") || !text.len)
			buf_add_str(&want, "\n");
		put("want", i, buf_bytes(&want));
		free(mail);
		buf_release(&subject);
		buf_release(&text);
		buf_release(&want);
	}
	output = shell_ask(dir, script);
	ck_assert_int_eq(atoi(output), MAILS);
	free(output);
	free(script);
	free(top);
}

static const struct {
	const char *list;
	int ret;
} addresses[] = {
	{ "root", 0 },
	{ "a@example.org", 0 },
	{ "a.b+c@example.org, d@e.f", 0 },
	{ "A B <a@example.org>", 0 },
	{ "\"A, B\" <a@example.org>", 0 },
	{ "<a@example.org>", 0 },
	{ "", -EINVAL },
	{ "a,,b", -EINVAL },
	{ "a,", -EINVAL },
	{ "-t@example.org", -EINVAL },
	{ "A <-a@example.org>", -EINVAL },
	{ "a b", -EINVAL },
	{ "a@b@c", -EINVAL },
	{ "@example.org", -EINVAL },
	{ "a@", -EINVAL },
	{ "A <a@example.org", -EINVAL },
	{ "A <a@example.org> B", -EINVAL },
	{ "A <a@example.org\nBcc: v>", -EINVAL },
	{ "A\nBcc: v <a@example.org>", -EINVAL },
	{ "a@example.org\nBcc: v@example.org", -EINVAL },
	{ "A \xe2\x80\xae <a@example.org>", -EINVAL },
	{ "A \xff <a@example.org>", -EINVAL },
	{ "a;b", -EINVAL },
	{ "\xc3\xa4@example.org", -EINVAL },
};

TEST_EACH(only_valid_lists_of_addresses_are_accepted, addresses)
{
	struct err err = { 0 };

	ck_assert_msg(nightly_mail_check_addresses(row->list, &err) == row->ret,
		      "%s", row->list);
	ck_assert_int_eq(!*err.text, !row->ret);
}
