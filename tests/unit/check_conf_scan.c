/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: conf */
#include "../lib/test.h"

#include "conf/scan.h"

#include "base/buf.h"

/* Append each item as "LINE section/sub/key=value;", a header as "[...]". */
static int collect(void *ctx, const struct conf_item *i)
{
	struct buf *out = ctx;

	buf_printf(out, "%u %s", i->line, i->section);
	if (i->sub)
		buf_printf(out, "/%s", i->sub);
	if (i->key)
		buf_printf(out, ".%s", i->key);
	if (i->value)
		buf_printf(out, "=%s", i->value);
	buf_add_str(out, ";");
	return 0;
}

static const struct good {
	const char *text, *items;
} good[] = {
	{ "", "" },
	{ "\n# only\n ; comments\n", "" },
	{ "[farm]\nverify = 1\n", "1 farm;2 farm.verify=1;" },
	{ "[FARM]Verify=1", "1 farm;1 farm.verify=1;" },
	{ "[node \"Neo 4a\"]\n\tslots=8\n",
	  "1 node/Neo 4a;2 node/Neo 4a.slots=8;" },
	{ "[node \"a\\\"b\\\\c]\"]\nslots\n",
	  "1 node/a\"b\\c];2 node/a\"b\\c].slots;" },
	{ "[node.Foo.Bar]\nx=1\n", "1 node/foo.bar;2 node/foo.bar.x=1;" },
	{ "[a]\nb = c \\\n d\ne=f\n", "1 a;2 a.b=c  d;4 a.e=f;" },
	{ "[a]\nb = \"x # ; y\" z ; gone\n", "1 a;2 a.b=x # ; y z;" },
	{ "[a]\nb = \"tail  \"  \n", "1 a;2 a.b=tail  ;" },
	{ "[a]\nb = \\t\\n\\\\\\\"\\b\n", "1 a;2 a.b=\t\n\\\"\b;" },
	{ "[a]\nb\nc=\nd ; x\n", "1 a;2 a.b;3 a.c=;4 a.d;" },
	{ "\xef\xbb\xbf[a]\r\nb=1\r\nc=2\r\n", "1 a;2 a.b=1;3 a.c=2;" },
	{ "[a] [b]\nc=1\n", "1 a;1 b;2 b.c=1;" },
	{ "[a \"\"]\nb=\"multi\\\nline\"\nc=1",
	  "1 a/;2 a/.b=multiline;4 a/.c=1;" },
};

TEST_EACH(scan_finds_every_key_and_its_line, good)
{
	struct buf out = { 0 };
	struct err err = { 0 };
	unsigned line;

	must(conf_scan(bytes_str(row->text), collect, &out, &line, &err));
	ck_assert_str_eq(buf_str(&out), row->items);
	buf_release(&out);
}

static const struct bad {
	const char *text;
	unsigned line;
} bad[] = {
	{ "x=1\n", 1 },
	{ "[farm\nx=1\n", 1 },
	{ "[]\n", 1 },
	{ "\n[a b]\n", 2 },
	{ "[a \"b]\n", 1 },
	{ "[a \"b\" ]\n", 1 },
	{ "[a \"b", 1 },
	{ "[a \"b\\", 1 },
	{ "[a]\nb=1\nc d\n", 3 },
	{ "[a]\n=1\n", 2 },
	{ "[a]\nb_c=1\n", 2 },
	{ "[a]\n\n\nb=\"open\nc=1\n", 4 },
	{ "[a]\nb=\\q\n", 2 },
	{ "[a]\nb=\\", 2 },
	{ "[a]\nb=1 \\\n\\z\n", 2 },
	{ "[a]\n\x01\n", 2 },
	{ "[", 1 },
};

TEST_EACH(scan_names_the_line_of_bad_syntax, bad)
{
	struct buf out = { 0 };
	struct err err = { 0 };
	unsigned line = 0;

	ck_assert_int_eq(
		conf_scan(bytes_str(row->text), collect, &out, &line, &err),
		-EINVAL);
	ck_assert_uint_eq(line, row->line);
	ck_assert_str_ne(err.text, "");
	buf_release(&out);
}

TEST(scan_refuses_a_zero_byte)
{
	static const char text[] = "[a]\nb=1\0c\n";
	struct buf out = { 0 };
	struct err err = { 0 };
	unsigned line;

	ck_assert_int_eq(conf_scan(bytes_of(text, sizeof(text) - 1), collect,
				   &out, &line, &err),
			 -EINVAL);
	buf_release(&out);
}

struct places {
	size_t at[4], end[4], n;
};

static int note_place(void *ctx, const struct conf_item *i)
{
	struct places *p = ctx;

	p->at[p->n] = i->start;
	p->end[p->n++] = i->end;
	return 0;
}

TEST(scan_reports_start_and_end_of_each_item)
{
	static const char text[] = "# x\n [a]  \n\tb = 1 \\\n 2 ; y\n[c] d=1";
	struct places p = { .n = 0 };
	struct err err = { 0 };
	unsigned line;

	must(conf_scan(bytes_str(text), note_place, &p, &line, &err));
	ck_assert_uint_eq(p.n, 4);
	ck_assert_uint_eq(p.at[0], 5); /* [a] */
	/* includes its blanks and its newline */
	ck_assert_uint_eq(p.end[0], 11);
	ck_assert_uint_eq(p.at[1], 12);
	ck_assert_uint_eq(p.end[1], 27); /* the continued line, the comment */
	ck_assert_uint_eq(p.at[2], 27);
	ck_assert_uint_eq(p.end[2], 30); /* a key follows */
	ck_assert_uint_eq(p.end[3], sizeof(text) - 1);
}

static int stop_at_once(void *ctx, const struct conf_item *i)
{
	(void)i;
	++*(int *)ctx;
	return 7;
}

TEST(scan_stops_if_the_callback_returns_nonzero)
{
	struct err err = { 0 };
	unsigned line;
	int calls = 0;

	ck_assert_int_eq(conf_scan(bytes_str("[a]\nb=1\n"), stop_at_once,
				   &calls, &line, &err),
			 7);
	ck_assert_int_eq(calls, 1);
}
