/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: options */
#include "../lib/test.h"

#include "options/devicetree.h"

static void split(struct strv *out, const char *line)
{
	strv_split(out, line, " ");
}

/* Lines in kbuild's form: their files, and the remaining options. */
static const struct {
	const char *line, *blob, *depfile, *source, *rest;
} lines[] = {
	{ "-o d/x.dtb -b 0 -i/src/d/ -i/src/include -Wno-alias_paths "
	  "-Wno-graph_port -@ -d d/.x.dtb.d.dtc.tmp d/.x.dtb.dts.tmp",
	  "d/x.dtb", "d/.x.dtb.d.dtc.tmp", "d/.x.dtb.dts.tmp",
	  "-b0 -Wno-alias_paths -Wno-graph_port -@" },
	{ "-odtb.dtbo -b0 -i d -dl t.tmp", "dtb.dtbo", "l", "t.tmp", "-b0" },
	{ "-p 0x400 -a8 -S 4096 -R 2 -q -Ealias_paths -d l -o x.dtb t.tmp",
	  "x.dtb", "l", "t.tmp", "-p0x400 -a8 -S4096 -R2 -q -Ealias_paths" },
	{ "t.tmp -d l -o x.dtb", "x.dtb", "l", "t.tmp", "" },
};

TEST_EACH(dtc_command_lines_of_kbuild_are_parsed, lines)
{
	struct strv words = { 0 }, rest = { 0 };
	struct options_devicetree t;
	struct options_side_outputs sides;
	char *joined;

	split(&words, row->line);
	ck_assert(options_devicetree_parse(&t, &words, &rest));
	ck_assert_str_eq(t.blob, row->blob);
	ck_assert_str_eq(t.depfile, row->depfile);
	ck_assert_str_eq(t.source, row->source);
	joined = strv_join(&rest, " ");
	ck_assert_str_eq(joined, row->rest);
	ck_assert(options_devicetree_parse(&t, &words, NULL));
	options_devicetree_side_outputs(&sides, &t);
	ck_assert_uint_eq(sides.n, 2);
	ck_assert(!sides.name_in_object);
	ck_assert_str_eq(sides.path[OPTIONS_DEVICETREE_OUTPUT_SOURCE],
			 t.source);
	ck_assert_str_eq(sides.path[OPTIONS_DEVICETREE_OUTPUT_DEPFILE],
			 t.depfile);
	options_side_outputs_release(&sides);
	free(joined);
	strv_release(&rest);
	strv_release(&words);
}

/* Other formats, other files, and names that a depfile would escape. */
static const char *const others[] = {
	"-o x.dtb t.tmp",
	"-d l t.tmp",
	"-o x.dtb -d l",
	"-o x.dtb -d l -",
	"-o x.dtb -d l t.tmp u.tmp",
	"-o x.dtb -o y.dtb -d l t.tmp",
	"-o x.dtb -d l -d m t.tmp",
	"-o x.dts -d l t.tmp",
	"-o x -d l t.tmp",
	"-o - -d l t.tmp",
	"-o x.dtb -d - t.tmp",
	"-o x.dtb -d l t.dts",
	"-o x.dtb -d l t.dtb",
	"-o x.dtb -d x.dtb t.tmp",
	"-o x.dtb -d t.tmp t.tmp",
	"-o x$y.dtb -d l t.tmp",
	"-o x.dtb -d l t:u.tmp",
	"-O dts -o x.dtb -d l t.tmp",
	"-I fs -o x.dtb -d l t.tmp",
	"-H legacy -o x.dtb -d l t.tmp",
	"-f -o x.dtb -d l t.tmp",
	"-s -o x.dtb -d l t.tmp",
	"-A -o x.dtb -d l t.tmp",
	"-@q -o x.dtb -d l t.tmp",
	"-W no-x -o x.dtb -d l t.tmp",
	"--symbols -o x.dtb -d l t.tmp",
	"-b x -o x.dtb -d l t.tmp",
	"-d l t.tmp -o",
	"-o x.dtb -d l t.tmp -i",
	"-o x.dtb -d l t.tmp -b",
};

TEST_EACH(other_dtc_command_lines_are_rejected, others)
{
	struct strv words = { 0 };
	struct options_devicetree t;

	split(&words, *row);
	ck_assert_msg(!options_devicetree_parse(&t, &words, NULL), "%s", *row);
	strv_release(&words);
}
