/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
#include "../lib/test.h"

#include "kfarmd/run.h"

static uint8_t large[2 * WIRE_CHUNK_MAX + 5];

TEST(output_pieces_are_in_order_and_at_most_wire_chunk_max)
{
	struct kfarmd_run_output a = {
		.streams = { [WIRE_OUTPUT_OBJECT] = bytes_of(large,
							     sizeof(large)),
			     [WIRE_OUTPUT_STDERR] = bytes_str("words"),
			     [WIRE_OUTPUT_AS_DEPS] = bytes_str("x") },
	};
	static const size_t sizes[] = { WIRE_CHUNK_MAX, WIRE_CHUNK_MAX, 5, 5,
					1 };
	static const uint8_t streams[] = {
		WIRE_OUTPUT_OBJECT, WIRE_OUTPUT_OBJECT, WIRE_OUTPUT_OBJECT,
		WIRE_OUTPUT_STDERR, WIRE_OUTPUT_AS_DEPS
	};
	struct wire_piece p;

	ck_assert_uint_eq(kfarmd_run_output_size(&a), sizeof(large) + 6);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		ck_assert(kfarmd_run_output_next_piece(&a, &p));
		ck_assert_uint_eq(p.stream, streams[i]);
		ck_assert_uint_eq(p.data.len, sizes[i]);
	}
	ck_assert(!kfarmd_run_output_next_piece(&a, &p));
	ck_assert(!kfarmd_run_output_next_piece(&a, &p));
}

TEST(an_empty_output_has_no_piece)
{
	struct kfarmd_run_output a = { 0 };
	struct wire_piece p;

	ck_assert(!kfarmd_run_output_next_piece(&a, &p));
}

/* Depfiles may contain private paths, other outputs must not. */
TEST(a_private_path_outside_the_depfiles_is_detected)
{
	struct digest key = { { 1 } }, want;

	for (int i = 0; i < WIRE_N_OUTPUTS; i++) {
		struct kfarmd_run_output a = { 0 };

		a.streams[i] = bytes_str("x /.kfarm/out/out.o");
		kfarmd_run_output_finish(&a, &key);
		ck_assert_int_eq(a.has_private_path,
				 i != WIRE_OUTPUT_DEPS &&
					 i != WIRE_OUTPUT_AS_DEPS);
		wire_result_digest(&key, a.streams, &want);
		ck_assert(digest_equal(&want, &a.digest));
	}
}

#define OUT "/.kfarm/out/out.o"

/* The output of a tool, and the corresponding output for "a/x.o". */
static const struct {
	const char *printed, *renamed;
} tool_outputs[] = {
	{ "", "" },
	{ "nothing\n", "nothing\n" },
	{ OUT, "a/x.o" },
	{ OUT ": warning: objtool: f+0x1: odd\n",
	  "a/x.o: warning: objtool: f+0x1: odd\n" },
	{ "1 " OUT "\n2 '" OUT "'\n(" OUT ")", "1 a/x.o\n2 'a/x.o'\n(a/x.o)" },
	/* other paths, and several paths */
	{ "/b" OUT, "/b" OUT },
	{ OUT ".orig", OUT ".orig" },
	{ OUT OUT " " OUT, OUT OUT " a/x.o" },
	{ "/.kfarm/out/out", "/.kfarm/out/out" },
	{ "/.kfarm/out/\n" OUT, "/.kfarm/out/\na/x.o" },
};

TEST_EACH(the_client_name_replaces_the_object_path_in_tool_output, tool_outputs)
{
	struct buf out = { 0 };
	size_t len = strlen(row->renamed);

	buf_add_str(&out, "cc: ");
	ck_assert(kfarmd_run_output_add_renamed(&out, bytes_str(row->printed),
						OUT, "a/x.o", len + 4));
	ck_assert_uint_eq(out.len, len + 4);
	ck_assert_str_eq(buf_str(&out) + 4, row->renamed);
	buf_reset(&out);
	ck_assert(!len ||
		  !kfarmd_run_output_add_renamed(&out, bytes_str(row->printed),
						 OUT, "a/x.o", len - 1));
	buf_release(&out);
}

TEST(a_long_client_name_does_not_exceed_the_output_limit)
{
	char name[WIRE_PATH_MAX + 1];
	struct buf printed = { 0 }, out = { 0 };

	memset(name, 'n', WIRE_PATH_MAX);
	name[WIRE_PATH_MAX] = '\0';
	for (int i = 0; i < 10; i++)
		buf_add_str(&printed, OUT "\n");
	ck_assert(!kfarmd_run_output_add_renamed(&out, buf_bytes(&printed), OUT,
						 name, 10 * WIRE_PATH_MAX));
	ck_assert_uint_le(out.len, 10 * WIRE_PATH_MAX);
	buf_reset(&out);
	ck_assert(kfarmd_run_output_add_renamed(&out, buf_bytes(&printed), OUT,
						name,
						10 * (WIRE_PATH_MAX + 1)));
	buf_release(&printed);
	buf_release(&out);
}
