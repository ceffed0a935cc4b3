/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire */
/*
 * kfarm-protocol(7) describes each message in a section ".Ss NUMBER NAME", and
 * each field in an item ".It Va NAME Pq TYPE, LIMIT".  These lines must agree
 * with the tables of the messages.  Run from the top directory.
 */
#include "../lib/test.h"

#include "wire/cc.h"
#include "wire/msg.h"

#define PAGE "man/kfarm-protocol.7"

static const struct message {
	const char *name;
	unsigned type;
	const struct wire_layout *layout; /* NULL: the body has no table */
} messages[] = {
	{ "HELLO", WIRE_HELLO, &wire_hello_layout },
	{ "BYE", WIRE_BYE, NULL },
	{ "FIT", WIRE_FIT, &wire_fit_layout },
	{ "CELL", WIRE_CELL, &wire_cell_layout },
	{ "HAVE", WIRE_HAVE, &wire_have_layout },
	{ "SHUT", WIRE_SHUT, NULL },
	{ "PATHS", WIRE_PATHS, NULL },
	{ "VIEW", WIRE_VIEW, &wire_view_layout },
	{ "NEED", WIRE_NEED, &wire_need_layout },
	{ "BLOB", WIRE_BLOB, &wire_blob_layout },
	{ "FLAGS", WIRE_FLAGS, NULL },
	{ "JOB", WIRE_JOB, &wire_job_layout },
	{ "CANCEL", WIRE_CANCEL, NULL },
	{ "BEAT", WIRE_BEAT, &wire_beat_layout },
	{ "OUTPUT", WIRE_OUTPUT, &wire_piece_layout },
	{ "RESULT", WIRE_RESULT, &wire_result_layout },
	{ "FAIL", WIRE_FAIL, &wire_fail_layout },
	{ "BUNDLE", WIRE_BUNDLE, &wire_bundle_layout },
	{ "DROPPED", WIRE_DROPPED, &wire_dropped_layout },
	{ "TOOLS", WIRE_TOOLS, &wire_tools_layout },
	{ "HELD", WIRE_HELD, &wire_held_layout },
	{ "DROP", WIRE_DROP, &wire_drop_layout },
	{ "HEALTH", WIRE_HEALTH, &wire_health_layout },
	{ "MACHINE", WIRE_MACHINE, &wire_machine_layout },
	{ "PIN", WIRE_PIN, &wire_pin_layout },
	{ "HEAT", WIRE_HEAT, &wire_heat_layout },
	{ "STEP", WIRE_STEP, &wire_step_layout },
	{ "WEIGHT", WIRE_WEIGHT, &wire_weight_layout },
	{ "LEASE", WIRE_LEASE, &wire_lease_layout },
	{ "RELAY", WIRE_RELAY, &wire_relay_layout },
	{ "VIA", WIRE_VIA, &wire_via_layout },
	{ "EXCLUDE", WIRE_EXCLUDE, &wire_exclude_layout },
	{ "NEIGHBOR", WIRE_NEIGHBOR, &wire_neighbor_layout },
	{ "FETCH", WIRE_FETCH, &wire_fetch_layout },
	{ "GET", WIRE_GET, &wire_get_layout },
	{ "GONE", WIRE_GONE, &wire_gone_layout },
	{ "CC_JOB", WIRE_CC_JOB, &wire_cc_job_layout },
	{ "CC_BEAT", WIRE_CC_BEAT, NULL },
	{ "CC_LOCAL", WIRE_CC_LOCAL, NULL },
	{ "CC_DONE", WIRE_CC_DONE, &wire_cc_done_layout },
	{ "CC_FIXDEP", WIRE_CC_FIXDEP, &wire_cc_fixdep_layout },
	{ "CC_FIXED", WIRE_CC_FIXED, &wire_cc_fixed_layout },
	{ "CC_STEP", WIRE_CC_STEP, &wire_cc_step_layout },
};

#define N_MESSAGES (sizeof(messages) / sizeof(*messages))

static char *page;
static struct strv want;

static void set_up(void)
{
	page = test_read_file(PAGE);
}

static void tear_down(void)
{
	free(page);
	strv_release(&want);
}

FIXTURE(set_up, tear_down);

/* Write large powers of two as 2^N. */
static void put_limit(struct buf *out, const char *before, uint64_t n,
		      const char *unit)
{
	if (n >> 16 && !(n & (n - 1)))
		buf_printf(out, "%s2^%d%s", before, __builtin_ctzll(n), unit);
	else
		buf_printf(out, "%s%llu%s", before, (unsigned long long)n,
			   unit);
}

static const char *string_type(const struct wire_field *f)
{
	if (f->is_valid == wire_path_is_valid)
		return "path";
	if (f->is_valid == wire_id_is_valid)
		return "id";
	if (f->is_valid == wire_host_is_valid)
		return "host";
	return f->kind == WIRE_IS_LINE || f->kind == WIRE_IS_LINES ? "line" :
								     "string";
}

/* Return true if the check of the string does not imply its limit. */
static bool has_length_limit(const struct wire_field *f)
{
	const char *type = string_type(f);

	return !strcmp(type, "line") || !strcmp(type, "string");
}

static void put_number(struct buf *out, const struct wire_field *f)
{
	buf_printf(out, "u%d", 8 * f->width);
	if (f->max == 1)
		buf_add_str(out, ", 0 or 1");
	else if (f->max != WIRE_ANY)
		put_limit(out, ", at most ", f->max, "");
	for (unsigned i = 0; f->value_since && i <= f->max; i++) {
		if (f->value_since[i])
			buf_printf(out, ", value %u from version %u on", i,
				   f->value_since[i]);
	}
}

static void put_type(struct buf *out, const struct wire_field *f)
{
	switch (f->kind) {
	case WIRE_IS_NUMBER:
		put_number(out, f);
		break;
	case WIRE_IS_BOOLS:
		buf_printf(out, "u8, at most %u", (1u << f->max) - 1);
		break;
	case WIRE_IS_DIGEST:
		buf_add_str(out, "digest");
		break;
	case WIRE_IS_STRING:
	case WIRE_IS_LINE:
		buf_add_str(out, string_type(f));
		if (has_length_limit(f))
			put_limit(out, ", at most ", f->max, " bytes");
		break;
	case WIRE_IS_STRINGS:
	case WIRE_IS_LINES:
		buf_printf(out, "u%d list of %s, at most %u", 8 * f->width,
			   string_type(f), f->max_count);
		if (has_length_limit(f))
			put_limit(out, " of ", f->max, " bytes");
		break;
	case WIRE_IS_LIST:
		buf_printf(out, "u%d list of structs", 8 * f->width);
		put_limit(out, ", at most ", f->max_count, "");
		break;
	case WIRE_IS_STRUCT:
		break;
	case WIRE_IS_BYTES:
		put_limit(out, "bytes, at most ", f->max, "");
		break;
	case WIRE_IS_REST:
		put_limit(out, "rest, at most ", f->max, " bytes");
		break;
	}
}

/* Return the length of the name without the index of an array. */
static size_t name_len(const struct wire_field *f)
{
	return strcspn(f->name, "[");
}

/* Count the fields from `f` on that are equal elements of one array. */
static unsigned count_elements(const struct wire_field *f,
			       const struct wire_field *end)
{
	unsigned n = 1;

	while (f->name[name_len(f)] && f + n < end && f[n].max == f->max &&
	       !strncmp(f[n].name, f->name, name_len(f) + 1))
		n++;
	return n;
}

static const char *message_of(const struct wire_layout *l)
{
	for (size_t i = 0; i < N_MESSAGES; i++) {
		if (messages[i].layout == l)
			return messages[i].name;
	}
	return NULL;
}

/* Add the line of each field to `want`. */
static void list_fields(const struct wire_layout *l)
{
	const struct wire_field *f = l->fields, *end = f + l->n_fields;
	unsigned n;

	for (; f < end; f += n) {
		const char *message = f->of ? message_of(f->of) : NULL;
		struct buf line = { 0 };

		n = count_elements(f, end);
		if (f->kind == WIRE_IS_STRUCT && !message) {
			list_fields(f->of);
			continue;
		}
		buf_printf(&line, ".It Va %.*s Pq ", (int)name_len(f), f->name);
		if (n > 1)
			buf_printf(&line, "%u times ", n);
		if (message)
			buf_printf(&line, "the fields of %s", message);
		put_type(&line, f);
		if (f->only_kind)
			buf_printf(&line, ", if %s is %u", l->fields->name,
				   f->only_kind - 1);
		if (f->since)
			buf_printf(&line, ", from version %u on", f->since);
		if (f->absent)
			buf_printf(&line, ", else %llu",
				   (unsigned long long)f->absent);
		if (f->optional)
			buf_add_str(&line, ", optional");
		strv_own(&want, buf_steal(&line));
		if (f->kind == WIRE_IS_LIST)
			list_fields(f->of);
	}
}

/* Return the first version that has a message between kfarm and kfarmd. */
static int first_version(unsigned type)
{
	int version = 0;

	while (!wire_type_name(type, version))
		version++;
	return version;
}

TEST_EACH(the_page_lists_the_fields_of_each_message, messages)
{
	const char *line, *next;
	struct buf heading = { 0 };
	size_t n = 0;

	buf_printf(&heading, "\n.Ss %u %s", row->type, row->name);
	if (row->type < WIRE_CC_JOB && first_version(row->type))
		buf_printf(&heading, ", from version %d on",
			   first_version(row->type));
	buf_add_str(&heading, "\n");
	line = strstr(page, buf_str(&heading));
	ck_assert_msg(line, PAGE ": missing section:%s", buf_str(&heading));
	line += heading.len;
	buf_release(&heading);
	if (!row->layout)
		return;
	list_fields(row->layout);
	for (; *line && !str_starts(line, ".Ss") && !str_starts(line, ".Sh");
	     line = next) {
		next = line + strcspn(line, "\n");
		if (str_starts(line, ".It Va ")) {
			char *got = xstrndup(line, (size_t)(next - line));

			ck_assert_msg(n < want.n, PAGE ": %s has no field %s",
				      row->name, got);
			ck_assert_msg(!strcmp(got, want.v[n]),
				      PAGE ": %s: expected\n%s\n"
					   "but found\n%s",
				      row->name, want.v[n], got);
			free(got);
			n++;
		}
		next += *next == '\n';
	}
	ck_assert_msg(n == want.n, PAGE ": %s: expected\n%s\nat its end",
		      row->name, n < want.n ? want.v[n] : "");
}

TEST(each_message_between_kfarm_and_kfarmd_is_checked)
{
	for (unsigned type = 0; type < WIRE_CC_JOB; type++) {
		const char *name = wire_type_name(type, WIRE_VERSION);
		bool found = !name;

		for (size_t i = 0; i < N_MESSAGES && !found; i++)
			found = messages[i].type == type &&
				!strcmp(messages[i].name, name);
		ck_assert_msg(found, "%s is not in the table of this test",
			      name);
	}
}

static void expect_text(const char *format, int version)
{
	char text[64];

	snprintf(text, sizeof(text), format, version);
	ck_assert_msg(strstr(page, text), PAGE ": expected \"%s\"", text);
}

TEST(the_page_states_the_versions)
{
	expect_text("version %d of the protocol", WIRE_VERSION);
	expect_text("versions from %d on", WIRE_VERSION_MIN);
}
