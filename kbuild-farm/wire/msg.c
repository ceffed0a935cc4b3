/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/msg.h"

#include "base/version.h"
#include "wire/frame.h"
#include "wire/limits.h"
#include "wire/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	uint8_t since; /* first version with the message; 0 for all versions */
} messages[] = {
	[WIRE_HELLO] = { "HELLO" },
	[WIRE_BYE] = { "BYE" },
	[WIRE_FIT] = { "FIT" },
	[WIRE_CELL] = { "CELL" },
	[WIRE_HAVE] = { "HAVE" },
	[WIRE_SHUT] = { "SHUT" },
	[WIRE_PATHS] = { "PATHS" },
	[WIRE_VIEW] = { "VIEW" },
	[WIRE_NEED] = { "NEED" },
	[WIRE_BLOB] = { "BLOB" },
	[WIRE_FLAGS] = { "FLAGS" },
	[WIRE_JOB] = { "JOB" },
	[WIRE_CANCEL] = { "CANCEL" },
	[WIRE_BEAT] = { "BEAT" },
	[WIRE_OUTPUT] = { "OUTPUT" },
	[WIRE_RESULT] = { "RESULT" },
	[WIRE_FAIL] = { "FAIL" },
	[WIRE_BUNDLE] = { "BUNDLE" },
	[WIRE_TOOLS] = { "TOOLS" },
	[WIRE_DROPPED] = { "DROPPED" },
	[WIRE_HELD] = { "HELD" },
	[WIRE_DROP] = { "DROP" },
	[WIRE_HEALTH] = { "HEALTH", 7 },
	[WIRE_MACHINE] = { "MACHINE", 8 },
	[WIRE_PIN] = { "PIN", 9 },
	[WIRE_HEAT] = { "HEAT", 9 },
	[WIRE_STEP] = { "STEP", 10 },
	[WIRE_WEIGHT] = { "WEIGHT", 12 },
	[WIRE_LEASE] = { "LEASE", 12 },
	[WIRE_RELAY] = { "RELAY", 13 },
	[WIRE_VIA] = { "VIA", 13 },
	[WIRE_EXCLUDE] = { "EXCLUDE", 13 },
	[WIRE_NEIGHBOR] = { "NEIGHBOR", 13 },
	[WIRE_FETCH] = { "FETCH", 13 },
	[WIRE_GET] = { "GET", 13 },
	[WIRE_GONE] = { "GONE", 13 },
};

const char *wire_type_name(unsigned type, int version)
{
	return type < sizeof(messages) / sizeof(*messages) &&
			       messages[type].since <= version ?
		       messages[type].name :
		       NULL;
}

static const struct wire_field inventory[] = {
	{ WIRE_LINE(inventory, machine, WIRE_NAME_MAX) },
	{ WIRE_LINE(inventory, host, WIRE_NAME_MAX) },
	{ WIRE_LINE(inventory, boot_id, WIRE_NAME_MAX) },
	{ WIRE_NUMBER(inventory, cores, WIRE_ANY) },
	{ WIRE_NUMBER(inventory, slots, WIRE_ANY) },
	{ WIRE_NUMBER(inventory, memory_mib, WIRE_ANY) },
	{ WIRE_NUMBER(inventory, available_mib, WIRE_ANY) },
	{ WIRE_NUMBER(inventory, load_milli, WIRE_ANY) },
	{ WIRE_LINES(inventory, compilers, 2, WIRE_COMPILERS_MAX,
		     WIRE_NAME_MAX) },
};

const struct wire_layout wire_inventory_layout = WIRE_LAYOUT(inventory, NULL);

static const struct wire_field hello[] = {
	{ WIRE_NUMBER(hello, version_min, WIRE_ANY) },
	{ WIRE_NUMBER(hello, version_max, WIRE_ANY) },
	{ WIRE_LINE(hello, software, WIRE_NAME_MAX) },
	{ WIRE_STRUCT(hello, inventory, &wire_inventory_layout) },
};

const struct wire_layout wire_hello_layout = WIRE_LAYOUT(hello, NULL);

void wire_hello_encode_client(struct buf *out, int version)
{
	struct wire_hello m = { .version_min = WIRE_VERSION_MIN,
				.version_max = WIRE_VERSION,
				.software = (char *)"kfarm " KFARM_VERSION };

	if (version)
		m.version_min = m.version_max = (uint16_t)version;
	wire_hello_encode(out, &m);
}

int wire_hello_negotiate(const struct wire_hello *peer)
{
	int low = WIRE_VERSION_MIN, high = WIRE_VERSION;

	if (peer->version_min > low)
		low = peer->version_min;
	if (peer->version_max < high)
		high = peer->version_max;
	return low <= high ? high : -EPROTO;
}

void wire_number_encode(struct buf *out, uint32_t number)
{
	buf_put_u32(out, number);
}

int wire_number_decode(uint32_t *number, struct bytes in)
{
	if (in.len != 4)
		return -EPROTO;
	*number = get_le32(in.data);
	return 0;
}

void wire_bye_encode(struct buf *out, const char *reason)
{
	wire_field_put_line(out, reason, WIRE_REASON_MAX);
}

int wire_bye_decode(char **reason, struct bytes in)
{
	struct reader r;
	char *got;
	int ret;

	reader_init(&r, in);
	got = wire_field_line(&r, WIRE_REASON_MAX);
	ret = reader_end(&r);
	if (ret)
		free(got);
	else
		*reason = got;
	return ret;
}

int wire_bye_to_error(struct bytes in, struct err *err)
{
	char *why;

	if (wire_bye_decode(&why, in))
		return err_set(err, EPROTO, "malformed BYE");
	err_set(err, ECONNRESET, "connection closed by peer: %s",
		*why ? why : "no reason given");
	free(why);
	return -ECONNRESET;
}

static const struct wire_field fit[] = {
	{ WIRE_NUMBER(fit, usable, 1) },
	{ WIRE_LINE(fit, layers, WIRE_REASON_MAX) },
	{ WIRE_LINE(fit, reason, WIRE_REASON_MAX) },
	{ WIRE_STRINGS(fit, hosts, 1, WIRE_HOSTS_MAX, WIRE_HOST_MAX),
	  .is_valid = wire_host_is_valid },
};

const struct wire_layout wire_fit_layout = WIRE_LAYOUT(fit, NULL);

static const struct wire_field beat_job[] = {
	{ WIRE_NUMBER(beat_job, job, WIRE_ANY) },
	{ WIRE_NUMBER(beat_job, cpu_ms, WIRE_ANY) },
};

static const struct wire_layout beat_job_layout = WIRE_LAYOUT(beat_job, NULL);

static const struct wire_field beat[] = {
	{ WIRE_NUMBER(beat, available_mib, WIRE_ANY) },
	{ WIRE_NUMBER(beat, load_milli, WIRE_ANY) },
	{ WIRE_LIST(beat, jobs, n_jobs, WIRE_BEAT_JOBS_MAX, &beat_job_layout),
	  .truncated = true },
};

const struct wire_layout wire_beat_layout = WIRE_LAYOUT(beat, NULL);

bool wire_id_is_valid(const char *id)
{
	size_t n = strspn(id, "abcdefghijklmnopqrstuvwxyz"
			      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-");

	return n && n <= WIRE_ID_MAX && !id[n] && !strchr("._+-", id[0]);
}

bool wire_host_is_valid(const char *host)
{
	size_t n = strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return n && n <= WIRE_HOST_MAX && !host[n];
}

static const struct wire_field bundle[] = {
	{ WIRE_NUMBER(bundle, bundle, WIRE_ANY) },
	{ WIRE_STRING(bundle, id, WIRE_ID_MAX), .is_valid = wire_id_is_valid },
	{ WIRE_STRING(bundle, host, WIRE_HOST_MAX),
	  .is_valid = wire_host_is_valid },
	{ WIRE_DIGEST(bundle, dir_digest) },
	{ WIRE_DIGEST(bundle, equivalent_id) },
	{ WIRE_STRING(bundle, metadata, WIRE_JSON_MAX) },
};

const struct wire_layout wire_bundle_layout = WIRE_LAYOUT(bundle, NULL);

static const struct wire_field tools[] = {
	{ WIRE_NUMBER(tools, request_id, WIRE_ANY) },
	{ WIRE_NUMBER(tools, verify, 1) },
};

const struct wire_layout wire_tools_layout = WIRE_LAYOUT(tools, NULL);

static const struct wire_field held_one[] = {
	{ WIRE_STRING(held_one, id, WIRE_ID_MAX),
	  .is_valid = wire_id_is_valid },
	{ WIRE_STRING(held_one, host, WIRE_HOST_MAX),
	  .is_valid = wire_host_is_valid },
	{ WIRE_DIGEST(held_one, dir_digest) },
	{ WIRE_NUMBER(held_one, state, WIRE_HELD_IN_USE) },
	{ WIRE_LINE(held_one, detail, WIRE_REASON_MAX) },
};

static const struct wire_layout held_one_layout = WIRE_LAYOUT(held_one, NULL);

static const struct wire_field held[] = {
	{ WIRE_NUMBER(held, request_id, WIRE_ANY) },
	{ WIRE_NUMBER(held, last, 1) },
	{ WIRE_LIST(held, toolchains, n_toolchains, WIRE_HELD_MAX,
		    &held_one_layout) },
};

const struct wire_layout wire_held_layout = WIRE_LAYOUT(held, NULL);

static const struct wire_field drop[] = {
	{ WIRE_NUMBER(drop, request_id, WIRE_ANY) },
	{ WIRE_STRING(drop, id, WIRE_ID_MAX), .is_valid = wire_id_is_valid },
};

const struct wire_layout wire_drop_layout = WIRE_LAYOUT(drop, NULL);

static const struct wire_field dropped[] = {
	{ WIRE_NUMBER(dropped, request_id, WIRE_ANY) },
	{ WIRE_NUMBER(dropped, state, 1) },
	{ WIRE_LINE(dropped, detail, WIRE_REASON_MAX) },
};

const struct wire_layout wire_dropped_layout = WIRE_LAYOUT(dropped, NULL);

/* u32 cell, u32 view, u8 part, u32 n_entries */
#define VIEW_HEAD_BYTES 13

static bool is_installed_id_valid(const char *id)
{
	return !*id || wire_id_is_valid(id);
}

static const struct wire_field cell[] = {
	{ WIRE_NUMBER(cell, cell, WIRE_ANY) },
	{ WIRE_DIGEST(cell, toolchain) },
	{ WIRE_NUMBER(cell, is_clang, 1) },
	{ WIRE_STRING(cell, driver, WIRE_PATH_MAX),
	  .is_valid = wire_path_is_valid },
	{ WIRE_STRINGS(cell, client_roots, 1, WIRE_ROOTS_MAX, WIRE_PATH_MAX),
	  .is_valid = wire_path_is_valid },
	{ WIRE_STRING(cell, installed_id, WIRE_ID_MAX),
	  .is_valid = is_installed_id_valid },
};

const struct wire_layout wire_cell_layout = WIRE_LAYOUT(cell, NULL);

static const struct wire_field have[] = {
	{ WIRE_NUMBER(have, cell, WIRE_ANY) },
	{ WIRE_NUMBER(have, state, WIRE_HAVE_LOST) },
	{ WIRE_LINE(have, detail, WIRE_REASON_MAX) },
};

const struct wire_layout wire_have_layout = WIRE_LAYOUT(have, NULL);

static bool is_target_valid(const char *target)
{
	return *target;
}

#define ONLY(of) .only_kind = (of) + 1 /* NOLINT: an initializer */

static const struct wire_field inode[] = {
	{ WIRE_NUMBER(inode, kind, WIRE_INODE_ABSENT) },
	{ WIRE_NUMBER(inode, executable, 1), ONLY(WIRE_INODE_FILE) },
	{ WIRE_NUMBER(inode, size, WIRE_BLOB_MAX), ONLY(WIRE_INODE_FILE) },
	{ WIRE_NUMBER(inode, mtime_ns, WIRE_ANY), ONLY(WIRE_INODE_FILE) },
	{ WIRE_DIGEST(inode, digest), ONLY(WIRE_INODE_FILE) },
	{ WIRE_STRING(inode, target, WIRE_PATH_MAX), ONLY(WIRE_INODE_SYMLINK),
	  .is_valid = is_target_valid },
};

const struct wire_layout wire_inode_layout = WIRE_LAYOUT(inode, NULL);

static const struct wire_field entry[] = {
	{ WIRE_NUMBER(entry, path, WIRE_PATHS_TABLE_MAX - 1) },
	{ WIRE_STRUCT(entry, inode, &wire_inode_layout) },
};

static const struct wire_layout entry_layout = WIRE_LAYOUT(entry, NULL);

static size_t entry_size(const struct wire_entry *e)
{
	if (e->inode.kind == WIRE_INODE_FILE)
		return 4 + 1 + 1 + 8 + 8 + DIGEST_SIZE;
	return 4 + 1 +
	       (e->inode.kind == WIRE_INODE_SYMLINK ?
			4 + strlen(e->inode.target) :
			0);
}

uint32_t wire_view_count_fitting(const struct wire_entry *entries, size_t n)
{
	size_t room = WIRE_BODY_MAX - VIEW_HEAD_BYTES;
	uint32_t fits = 0;

	while (fits < n && fits < WIRE_VIEW_ENTRIES_MAX &&
	       entry_size(&entries[fits]) <= room)
		room -= entry_size(&entries[fits++]);
	return fits;
}

static int compare_numbers(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Return true if the VIEW's number is not 0 and no path occurs twice. */
static bool is_view_valid(const void *m)
{
	const struct wire_view *v = m;
	uint32_t *paths = xcalloc(v->n_entries + 1, sizeof(*paths));
	bool valid = v->view;

	for (uint32_t i = 0; i < v->n_entries; i++)
		paths[i] = v->entries[i].path;
	qsort(paths, v->n_entries, sizeof(*paths), compare_numbers);
	for (uint32_t i = 1; i < v->n_entries; i++)
		valid &= paths[i] != paths[i - 1];
	free(paths);
	return valid;
}

static const struct wire_field view[] = {
	{ WIRE_NUMBER(view, cell, WIRE_ANY) },
	{ WIRE_NUMBER(view, view, WIRE_ANY) },
	{ WIRE_NUMBER(view, part, WIRE_PART_TOOLCHAIN_END) },
	{ WIRE_LIST(view, entries, n_entries, WIRE_VIEW_ENTRIES_MAX,
		    &entry_layout) },
};

const struct wire_layout wire_view_layout = WIRE_LAYOUT(view, is_view_valid);

static bool is_need_valid(const void *m)
{
	const struct wire_need *need = m;

	for (uint32_t i = 1; i < need->n_indices; i++) {
		if (need->indices[i] <= need->indices[i - 1])
			return false;
	}
	return need->view;
}

static const struct wire_field index_field = {
	.kind = WIRE_IS_NUMBER,
	.width = 4,
	.max = WIRE_VIEW_ENTRIES_MAX - 1,
	.name = "index",
};

static const struct wire_layout index_layout = {
	.fields = &index_field, .n_fields = 1, .struct_bytes = sizeof(uint32_t)
};

static const struct wire_field need[] = {
	{ WIRE_NUMBER(need, cell, WIRE_ANY) },
	{ WIRE_NUMBER(need, view, WIRE_ANY) },
	{ WIRE_LIST(need, indices, n_indices, WIRE_VIEW_ENTRIES_MAX,
		    &index_layout) },
};

const struct wire_layout wire_need_layout = WIRE_LAYOUT(need, is_need_valid);

static bool is_blob_valid(const void *m)
{
	const struct wire_blob *b = m;

	return b->offset <= b->size && b->data.len <= b->size - b->offset &&
	       (b->data.len || !b->size);
}

static const struct wire_field blob[] = {
	{ WIRE_DIGEST(blob, digest) },
	{ WIRE_NUMBER(blob, size, WIRE_BLOB_MAX) },
	{ WIRE_NUMBER(blob, offset, WIRE_ANY) },
	{ WIRE_REST(blob, data, WIRE_CHUNK_MAX) },
};

const struct wire_layout wire_blob_layout = WIRE_LAYOUT(blob, is_blob_valid);

static bool env_fits(const struct strv *env)
{
	if (env->n > WIRE_ENV_MAX)
		return false;
	for (size_t i = 0; i < env->n; i++) {
		const char *equals = strchr(env->v[i], '=');

		if (strlen(env->v[i]) > WIRE_PATH_MAX || !equals ||
		    equals == env->v[i])
			return false;
	}
	return true;
}

/* Reject adjacent ranges, so that a list of flags has only one encoding. */
static bool runs_fit(const struct wire_run *runs, size_t n)
{
	size_t sum = 0;

	if (n > WIRE_FLAGS_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!runs[i].n_flags || runs[i].first >= WIRE_FLAGS_TABLE_MAX ||
		    runs[i].n_flags > WIRE_FLAGS_TABLE_MAX - runs[i].first)
			return false;
		if (i &&
		    runs[i].first == runs[i - 1].first + runs[i - 1].n_flags)
			return false;
		sum += runs[i].n_flags;
	}
	return sum <= WIRE_FLAGS_MAX;
}

static bool name_fits(const char *s)
{
	return s && *s && strlen(s) <= WIRE_PATH_MAX;
}

bool wire_job_fits(const struct wire_job *m)
{
	return m->cwd < WIRE_PATHS_TABLE_MAX &&
	       (m->output_named || !m->n_sides) &&
	       m->n_sides <= WIRE_SIDES_MAX && name_fits(m->source) &&
	       name_fits(m->object) &&
	       runs_fit(m->flag_ranges, m->n_flag_ranges) && env_fits(&m->env);
}

static bool is_job_valid(const void *m)
{
	return wire_job_fits(m);
}

bool wire_step_fits(const struct wire_step *m)
{
	if (m->tool >= WIRE_PATHS_TABLE_MAX || m->args.n > WIRE_STEP_ARGS_MAX)
		return false;
	for (size_t i = 0; i < m->args.n; i++) {
		if (strlen(m->args.v[i]) > WIRE_PATH_MAX)
			return false;
	}
	return true;
}

bool wire_step_fits_job(const struct wire_step *m, const struct wire_job *job)
{
	if (m->job != job->job)
		return false;
	return m->kind == WIRE_STEP_OBJECT ||
	       (job->lang != WIRE_LANG_PLAIN_ASM && !job->output_named);
}

static const struct wire_field run[] = {
	{ WIRE_NUMBER(run, first, WIRE_ANY) },
	{ WIRE_NUMBER(run, n_flags, WIRE_ANY) },
};

static const struct wire_layout run_layout = WIRE_LAYOUT(run, NULL);

static const struct wire_field job[] = {
	{ WIRE_NUMBER(job, job, WIRE_ANY) },
	{ WIRE_NUMBER(job, cell, WIRE_ANY) },
	{ WIRE_NUMBER(job, view, WIRE_ANY) },
	{ WIRE_NUMBER(job, lang, WIRE_LANG_PLAIN_ASM) },
	{ WIRE_NUMBER(job, deadline_ms, WIRE_ANY) },
	{ WIRE_NUMBER(job, cwd, WIRE_ANY) },
	{ WIRE_STRING(job, source, WIRE_PATH_MAX) },
	{ WIRE_STRING(job, object, WIRE_PATH_MAX) },
	{ WIRE_NUMBER(job, output_named, 1) },
	{ WIRE_NUMBER(job, n_sides, WIRE_SIDES_MAX) },
	{ WIRE_LIST(job, flag_ranges, n_flag_ranges, WIRE_FLAGS_MAX,
		    &run_layout) },
	{ WIRE_STRINGS(job, env, 2, WIRE_ENV_MAX, WIRE_PATH_MAX) },
	{ WIRE_NUMBER(job, cost_ms, WIRE_ANY), .since = 13, .optional = true },
};

const struct wire_layout wire_job_layout = WIRE_LAYOUT(job, is_job_valid);

static bool is_step_valid(const void *m)
{
	return wire_step_fits(m);
}

static const uint8_t step_kind_since[] = {
	[WIRE_STEP_SYMBOLS] = 0,
	[WIRE_STEP_OBJECT] = 0,
	[WIRE_STEP_DEVICETREE] = 11,
};

static const struct wire_field step[] = {
	{ WIRE_NUMBER(step, job, WIRE_ANY) },
	{ WIRE_NUMBER(step, kind, WIRE_STEP_DEVICETREE),
	  .value_since = step_kind_since },
	{ WIRE_NUMBER(step, tool, WIRE_ANY) },
	{ WIRE_STRINGS(step, args, 2, WIRE_STEP_ARGS_MAX, WIRE_PATH_MAX) },
};

const struct wire_layout wire_step_layout = WIRE_LAYOUT(step, is_step_valid);

static const struct wire_field piece[] = {
	{ WIRE_NUMBER(piece, job, WIRE_ANY) },
	{ WIRE_NUMBER(piece, stream, WIRE_N_OUTPUTS - 1) },
	{ WIRE_REST(piece, data, WIRE_CHUNK_MAX) },
};

const struct wire_layout wire_piece_layout = WIRE_LAYOUT(piece, NULL);

_Static_assert(WIRE_SIDES_MAX == 6, "a length for each in a RESULT");

static const struct wire_field result[] = {
	{ WIRE_NUMBER(result, job, WIRE_ANY) },
	{ WIRE_NUMBER(result, wait_status, WIRE_ANY) },
	{ WIRE_NUMBER(result, cpu_ms, WIRE_ANY) },
	{ WIRE_NUMBER(result, wall_ms, WIRE_ANY) },
	{ WIRE_NUMBER(result, peak_kib, WIRE_ANY) },
	{ WIRE_DIGEST(result, toolchain) },
	{ WIRE_NUMBER(result, output_bytes[WIRE_OUTPUT_OBJECT],
		      WIRE_OBJECT_MAX) },
	{ WIRE_NUMBER(result, output_bytes[WIRE_OUTPUT_STDOUT],
		      WIRE_DIAG_MAX) },
	{ WIRE_NUMBER(result, output_bytes[WIRE_OUTPUT_STDERR],
		      WIRE_DIAG_MAX) },
	{ WIRE_NUMBER(result, output_bytes[WIRE_OUTPUT_DEPS], WIRE_DEPS_MAX) },
	{ WIRE_NUMBER(result, output_bytes[WIRE_OUTPUT_AS_DEPS],
		      WIRE_DEPS_MAX) },
	{ WIRE_NUMBER(result, n_sides, WIRE_SIDES_MAX) },
	{ WIRE_NUMBER(result, output_bytes[WIRE_OUTPUT_SIDE], WIRE_SIDE_MAX) },
	{ WIRE_NUMBER(result, output_bytes[WIRE_OUTPUT_SIDE + 1],
		      WIRE_SIDE_MAX) },
	{ WIRE_NUMBER(result, output_bytes[WIRE_OUTPUT_SIDE + 2],
		      WIRE_SIDE_MAX) },
	{ WIRE_NUMBER(result, output_bytes[WIRE_OUTPUT_SIDE + 3],
		      WIRE_SIDE_MAX) },
	{ WIRE_NUMBER(result, output_bytes[WIRE_OUTPUT_SIDE + 4],
		      WIRE_SIDE_MAX) },
	{ WIRE_NUMBER(result, output_bytes[WIRE_OUTPUT_SIDE + 5],
		      WIRE_SIDE_MAX) },
	{ WIRE_DIGEST(result, digest) },
};

const struct wire_layout wire_result_layout = WIRE_LAYOUT(result, NULL);

uint32_t wire_output_max(enum wire_output stream)
{
	static const uint32_t most[WIRE_OUTPUT_SIDE] = {
		[WIRE_OUTPUT_OBJECT] = WIRE_OBJECT_MAX,
		[WIRE_OUTPUT_STDOUT] = WIRE_DIAG_MAX,
		[WIRE_OUTPUT_STDERR] = WIRE_DIAG_MAX,
		[WIRE_OUTPUT_DEPS] = WIRE_DEPS_MAX,
		[WIRE_OUTPUT_AS_DEPS] = WIRE_DEPS_MAX,
	};

	if (stream < WIRE_OUTPUT_SIDE)
		return most[stream];
	return stream < WIRE_N_OUTPUTS ? WIRE_SIDE_MAX : 0;
}

static const struct wire_field fail[] = {
	{ WIRE_NUMBER(fail, job, WIRE_ANY) },
	{ WIRE_NUMBER(fail, class, WIRE_FAIL_INPUT) },
	{ WIRE_LINE(fail, reason, WIRE_REASON_MAX) },
	{ WIRE_NUMBER(fail, retry_ms, WIRE_RETRY_MS_MAX), .since = 12,
	  .absent = WIRE_RETRY_MS, .optional = true },
};

const struct wire_layout wire_fail_layout = WIRE_LAYOUT(fail, NULL);

void wire_job_digest(const struct wire_step *tool_step,
		     const struct wire_job *request,
		     const struct wire_flag *flags, size_t n,
		     const struct digest *toolchain, int version,
		     struct digest *job_digest)
{
	struct digest_ctx *ctx = digest_new();
	struct wire_job unnumbered_job = *request;
	struct buf body = { 0 };

	if (tool_step) {
		struct wire_step unnumbered_step = *tool_step;

		unnumbered_step.job = 0;
		wire_step_encode_at(&body, &unnumbered_step, version);
	}
	unnumbered_job.job = 0;
	unnumbered_job.n_flag_ranges = 0;
	wire_job_encode_at(&body, &unnumbered_job, version);
	/* Flag numbers differ between connections, so add names and values. */
	buf_put_u32(&body, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		wire_flags_put(&body, &flags[i]);
	digest_add(ctx, buf_bytes(&body));
	digest_add(ctx, bytes_of(toolchain->b, sizeof(toolchain->b)));
	digest_finish(ctx, job_digest);
	buf_release(&body);
}

void wire_result_digest(const struct digest *job_digest,
			const struct bytes streams[static WIRE_N_OUTPUTS],
			struct digest *out)
{
	struct digest_ctx *ctx = digest_new();
	uint8_t len[4];

	digest_add(ctx, bytes_of(job_digest->b, sizeof(job_digest->b)));
	for (int i = 0; i < WIRE_N_OUTPUTS; i++) {
		put_le32(len, (uint32_t)streams[i].len);
		digest_add(ctx, bytes_of(len, sizeof(len)));
		digest_add(ctx, streams[i]);
	}
	digest_finish(ctx, out);
}

#define MAC_MAX   0xffffffffffff
#define CLOCK_MAX 253402300799999 /* end of the year 9999, ms since 1970 */

/* In version 7, HEALTH has only its first three fields. */
#define SINCE_8 .since = 8, .absent = WIRE_HEALTH_UNKNOWN /* NOLINT */

static const struct wire_field health[] = {
	{ WIRE_NUMBER(health, foreign_milli, WIRE_ANY) },
	{ WIRE_NUMBER(health, temperature_mk, WIRE_ANY) },
	{ WIRE_NUMBER(health, speed_milli, WIRE_ANY) },
	{ WIRE_NUMBER(health, n_usable, WIRE_ANY), SINCE_8 },
	{ WIRE_NUMBER(health, n_throttled, WIRE_ANY), SINCE_8 },
	{ WIRE_NUMBER(health, cooling_milli, WIRE_ANY), SINCE_8 },
	{ WIRE_NUMBER(health, psi_cpu, WIRE_ANY), SINCE_8 },
	{ WIRE_NUMBER(health, psi_memory, WIRE_ANY), SINCE_8 },
	{ WIRE_NUMBER(health, psi_memory_full, WIRE_ANY), SINCE_8 },
	{ WIRE_NUMBER(health, psi_io, WIRE_ANY), SINCE_8 },
	{ WIRE_NUMBER(health, swap_mib, WIRE_ANY), SINCE_8 },
	{ WIRE_NUMBER(health, store_mib, WIRE_ANY), SINCE_8 },
};

const struct wire_health wire_health_unknown = {
	WIRE_HEALTH_UNKNOWN, WIRE_HEALTH_UNKNOWN, WIRE_HEALTH_UNKNOWN,
	WIRE_HEALTH_UNKNOWN, WIRE_HEALTH_UNKNOWN, WIRE_HEALTH_UNKNOWN,
	WIRE_HEALTH_UNKNOWN, WIRE_HEALTH_UNKNOWN, WIRE_HEALTH_UNKNOWN,
	WIRE_HEALTH_UNKNOWN, WIRE_HEALTH_UNKNOWN, WIRE_HEALTH_UNKNOWN,
};

static bool is_unknown_or_at_most(uint32_t n, uint32_t most)
{
	return n <= most || n == WIRE_HEALTH_UNKNOWN;
}

static bool is_health_valid(const void *m)
{
	const struct wire_health *h = m;

	return is_unknown_or_at_most(h->foreign_milli,
				     WIRE_HEALTH_FOREIGN_MAX) &&
	       is_unknown_or_at_most(h->temperature_mk, WIRE_HEALTH_TEMP_MAX) &&
	       is_unknown_or_at_most(h->speed_milli, 1000) &&
	       is_unknown_or_at_most(h->n_usable, WIRE_HEALTH_CPUS_MAX) &&
	       is_unknown_or_at_most(h->n_throttled, WIRE_HEALTH_CPUS_MAX) &&
	       is_unknown_or_at_most(h->cooling_milli, 1000) &&
	       is_unknown_or_at_most(h->psi_cpu, WIRE_HEALTH_PSI_MAX) &&
	       is_unknown_or_at_most(h->psi_memory, WIRE_HEALTH_PSI_MAX) &&
	       is_unknown_or_at_most(h->psi_memory_full, WIRE_HEALTH_PSI_MAX) &&
	       is_unknown_or_at_most(h->psi_io, WIRE_HEALTH_PSI_MAX);
}

const struct wire_layout wire_health_layout = WIRE_LAYOUT(health,
							  is_health_valid);

static const struct wire_field core_class[] = {
	{ WIRE_LINE(core_class, model, WIRE_MODEL_MAX) },
	{ WIRE_LINE(core_class, governor, WIRE_MODEL_MAX) },
	{ WIRE_NUMBER(core_class, n_cpus, WIRE_ANY) },
	{ WIRE_NUMBER(core_class, n_usable, WIRE_ANY) },
	{ WIRE_NUMBER(core_class, threads_per_core, WIRE_ANY) },
	{ WIRE_NUMBER(core_class, capacity, 1024) },
	{ WIRE_NUMBER(core_class, max_khz, WIRE_ANY) },
};

static bool is_core_class_valid(const void *m)
{
	const struct wire_core_class *c = m;

	return c->n_cpus && c->n_usable <= c->n_cpus && c->threads_per_core;
}

static const struct wire_layout core_class_layout = WIRE_LAYOUT(
	core_class, is_core_class_valid);

static const struct wire_field mac[] = { { WIRE_NUMBER(mac, mac, MAC_MAX) } };

static const struct wire_layout mac_layout = WIRE_LAYOUT(mac, NULL);

static const struct wire_field machine[] = {
	{ WIRE_LINE(machine, model, WIRE_MODEL_MAX) },
	{ WIRE_LINE(machine, kernel, WIRE_KERNEL_MAX) },
	{ WIRE_DIGEST(machine, machine_id) },
	{ WIRE_NUMBER(machine, clock_ms, CLOCK_MAX) },
	{ WIRE_STRINGS(machine, abis, 1, WIRE_HOSTS_MAX, WIRE_HOST_MAX),
	  .is_valid = wire_host_is_valid },
	{ WIRE_LIST(machine, classes, n_classes, WIRE_CLASSES_MAX,
		    &core_class_layout) },
	{ WIRE_LIST(machine, macs, n_macs, WIRE_MACS_MAX, &mac_layout) },
	{ WIRE_NUMBER(machine, cpu_milli, WIRE_ANY) },
	{ WIRE_NUMBER(machine, memory_mib, WIRE_ANY) },
	{ WIRE_NUMBER(machine, limit_mib, WIRE_ANY) },
	{ WIRE_NUMBER(machine, swap_mib, WIRE_ANY) },
	{ WIRE_NUMBER(machine, store_mib, WIRE_ANY) },
	{ WIRE_NUMBER(machine, passive_mk, WIRE_ANY) },
	{ WIRE_NUMBER(machine, n_toolchains, WIRE_ANY) },
	{ WIRE_STRUCT(machine, health, &wire_health_layout) },
};

static bool is_machine_valid(const void *m)
{
	const struct wire_machine *all = m;

	for (unsigned i = 1; i < all->n_macs; i++) {
		if (all->macs[i].mac <= all->macs[i - 1].mac)
			return false;
	}
	return is_unknown_or_at_most(all->passive_mk, WIRE_HEALTH_TEMP_MAX);
}

const struct wire_layout wire_machine_layout = WIRE_LAYOUT(machine,
							   is_machine_valid);

static const struct wire_field pin[] = {
	{ WIRE_NUMBER(pin, job, WIRE_ANY) },
	{ WIRE_NUMBER(pin, class, WIRE_CLASSES_MAX - 1) },
};

const struct wire_layout wire_pin_layout = WIRE_LAYOUT(pin, NULL);

static bool is_weight_valid(const void *m)
{
	return ((const struct wire_weight *)m)->percent > 0;
}

static const struct wire_field weight[] = {
	{ WIRE_NUMBER(weight, percent, WIRE_WEIGHT_MAX) },
};

const struct wire_layout wire_weight_layout = WIRE_LAYOUT(weight,
							  is_weight_valid);

static bool is_lease_valid(const void *m)
{
	return ((const struct wire_lease *)m)->n_slots > 0;
}

static const struct wire_field lease[] = {
	{ WIRE_NUMBER(lease, n_slots, WIRE_ANY) },
};

const struct wire_layout wire_lease_layout = WIRE_LAYOUT(lease, is_lease_valid);

bool wire_member_is_valid(const char *member)
{
	const char *name = member;

	if (strlen(member) > WIRE_NAME_MAX)
		return false;
	for (;;) {
		size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz"
					"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"0123456789._-");

		if (!n || *name == '-' || *name == '.')
			return false;
		if (name[n] != '/')
			return !name[n];
		name += n + 1;
	}
}

static const struct wire_field relay_key[] = {
	{ WIRE_DIGEST(relay_key, fingerprint) },
};

static const struct wire_layout relay_key_layout = WIRE_LAYOUT(relay_key, NULL);

static const struct wire_field relay[] = {
	{ WIRE_LIST(relay, keys, n_keys, WIRE_RELAY_KEYS_MAX,
		    &relay_key_layout) },
	{ WIRE_STRINGS(relay, members, 2, WIRE_RELAY_MEMBERS_MAX,
		       WIRE_NAME_MAX),
	  .is_valid = wire_member_is_valid },
};

static bool is_relay_valid(const void *m)
{
	const struct wire_relay *all = m;
	struct digest last = { 0 };

	for (unsigned i = 0; i < all->n_keys; i++) {
		if (digest_compare(&all->keys[i].fingerprint, &last) <= 0)
			return false;
		last = all->keys[i].fingerprint;
	}
	return true;
}

const struct wire_layout wire_relay_layout = WIRE_LAYOUT(relay, is_relay_valid);

static const struct wire_field via[] = {
	{ WIRE_NUMBER(via, job, WIRE_ANY) },
	{ WIRE_STRING(via, member, WIRE_NAME_MAX),
	  .is_valid = wire_member_is_valid },
};

const struct wire_layout wire_via_layout = WIRE_LAYOUT(via, NULL);

static const struct wire_field exclude[] = {
	{ WIRE_STRING(exclude, member, WIRE_NAME_MAX),
	  .is_valid = wire_member_is_valid },
};

const struct wire_layout wire_exclude_layout = WIRE_LAYOUT(exclude, NULL);

static const struct wire_field neighbor[] = {
	{ WIRE_NUMBER(neighbor, number, WIRE_ANY) },
	{ WIRE_LINE(neighbor, address, WIRE_NAME_MAX) },
	{ WIRE_DIGEST(neighbor, fingerprint) },
};

const struct wire_layout wire_neighbor_layout = WIRE_LAYOUT(neighbor, NULL);

static const struct wire_field fetch[] = {
	{ WIRE_NUMBER(fetch, neighbor, WIRE_ANY) },
	{ WIRE_DIGEST(fetch, digest) },
	{ WIRE_NUMBER(fetch, size, WIRE_BLOB_MAX) },
};

const struct wire_layout wire_fetch_layout = WIRE_LAYOUT(fetch, NULL);

static const struct wire_field get[] = {
	{ WIRE_DIGEST(get, digest) },
	{ WIRE_NUMBER(get, size, WIRE_BLOB_MAX) },
};

const struct wire_layout wire_get_layout = WIRE_LAYOUT(get, NULL);

static const struct wire_field gone[] = {
	{ WIRE_DIGEST(gone, digest) },
};

const struct wire_layout wire_gone_layout = WIRE_LAYOUT(gone, NULL);

static const struct wire_field heat_class[] = {
	{ WIRE_NUMBER(heat_class, speed_milli, WIRE_ANY) },
	{ WIRE_NUMBER(heat_class, n_throttled, WIRE_ANY) },
};

static bool is_heat_class_valid(const void *m)
{
	const struct wire_heat_class *c = m;

	return is_unknown_or_at_most(c->speed_milli, 1000) &&
	       is_unknown_or_at_most(c->n_throttled, WIRE_HEALTH_CPUS_MAX);
}

static const struct wire_layout heat_class_layout = WIRE_LAYOUT(
	heat_class, is_heat_class_valid);

static const struct wire_field heat_zone[] = {
	{ WIRE_LINE(heat_zone, name, WIRE_ZONE_MAX) },
	{ WIRE_NUMBER(heat_zone, temperature_mk, WIRE_HEALTH_TEMP_MAX) },
};

static const struct wire_layout heat_zone_layout = WIRE_LAYOUT(heat_zone, NULL);

static const struct wire_field heat[] = {
	{ WIRE_LIST(heat, classes, n_classes, WIRE_CLASSES_MAX,
		    &heat_class_layout) },
	{ WIRE_LIST(heat, zones, n_zones, WIRE_ZONES_MAX, &heat_zone_layout) },
};

const struct wire_layout wire_heat_layout = WIRE_LAYOUT(heat, NULL);
