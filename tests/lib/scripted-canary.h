/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/scripted-canary.h - The part of scripted-node.h for installed toolchains:
 * HELD, BUNDLE and DROP, and the canary, which the build host's gcc compiles.
 */
#ifndef LIB_SCRIPTED_CANARY_H
#define LIB_SCRIPTED_CANARY_H

static void read_file(const char *where, const char *name, struct buf *out)
{
	char *path = xasprintf("%s/%s", where, name);
	struct err err;

	ck_assert_msg(!fs_read(path, 1 << 22, out, &err), "%s", err.text);
	unlink(path);
	free(path);
}

/* Compile like a node: in the same directory, with the same options. */
static void run_canary(struct node *n, const char *cwd, struct buf *out,
		       struct buf *diagnostics)
{
	char *log = xasprintf("%s/played.log", cwd);
	struct spawn what = { .cwd = cwd, .stdio_fds = { -1, -1, -1 } };
	char *env[] = { (char *)"PATH=/usr/bin:/bin", (char *)"LC_ALL=C",
			NULL };
	struct strv argv = { 0 };
	struct err err;
	pid_t pid;

	strv_add(&argv, gcc);
	peer_canary_db_flags(&argv, machine_here(), n->job.source);
	strv_add(&argv, "-c");
	strv_add(&argv, "-o");
	strv_add(&argv, "played.o");
	strv_add(&argv, n->job.source);
	what.argv = argv.v;
	what.env = env;
	what.stdio_fds[1] = what.stdio_fds[2] = open(
		log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_eq(spawn_start(&what, &pid, &err), 0);
	ck_assert_int_eq(spawn_wait(pid), 0);
	close(what.stdio_fds[1]);
	strv_release(&argv);
	free(log);
	read_file(cwd, "played.o", out);
	read_file(cwd, "played.log", diagnostics);
	if (str_equal(n->miscompiled, n->job.source))
		out->data[out->len / 2] ^= 1;
	if (str_equal(n->talkative, n->job.source))
		buf_printf(diagnostics, "and something else\n");
}

static bool is_canary(const struct node *n)
{
	const struct peer_canary_source *v;
	size_t count;

	v = peer_canary_db_sources(&count);
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(v[i].name, n->job.source))
			return true;
	}
	return false;
}

static void answer_canary(struct node *n)
{
	const char *cwd = wire_paths_get(n->paths, n->job.cwd);
	bool held = n->held_cell[n->job.cell];
	struct wire_result m = { .job = n->job.job,
				 .cpu_ms = held && n->cpu_ms ? n->cpu_ms : 10 };
	struct buf out = { 0 }, diagnostics = { 0 }, body = { 0 };
	struct bytes streams[WIRE_N_OUTPUTS] = { 0 };
	struct digest key;

	n->canaries++;
	if (n->manner == LOSING && !n->lost++) {
		send_have(n, n->job.cell, WIRE_HAVE_LOST);
		send_fail(n, WIRE_FAIL_TOOLCHAIN, "its cell is gone");
		return;
	}
	run_canary(n, cwd, &out, &diagnostics);
	streams[WIRE_OUTPUT_OBJECT] = buf_bytes(&out);
	streams[WIRE_OUTPUT_STDERR] = buf_bytes(&diagnostics);
	streams[WIRE_OUTPUT_DEPS] = bytes_str("a.o: a.c\n");
	make_key(n, &key);
	wire_result_digest(&key, streams, &m.digest);
	m.toolchain = n->toolchain[n->job.cell];
	for (int i = 0; i < WIRE_N_OUTPUTS; i++) {
		m.output_bytes[i] = (uint32_t)streams[i].len;
		send_piece(n, (uint8_t)i, streams[i]);
	}
	wire_result_encode_at(&body, &m, node_version(n));
	say(n, WIRE_RESULT, &body);
	buf_release(&out);
	buf_release(&diagnostics);
}

/* Send the final reply to a BUNDLE. */
static void end_bundle(struct node *n)
{
	struct wire_have m = { .cell = n->bundle.bundle,
			       .state = n->refuses ? WIRE_HAVE_REFUSED :
						     WIRE_HAVE_READY };
	char hex[DIGEST_HEX];
	struct buf body = { 0 };

	digest_format(&n->bundle.dir_digest, hex);
	if (n->lies)
		hex[0] = hex[0] == '0' ? '1' : '0';
	m.detail = n->refuses ? (char *)"the disk is full" : hex;
	if (!n->refuses)
		n->held = n->held_later;
	n->bundles++;
	wire_have_encode(&body, &m);
	say(n, WIRE_HAVE, &body);
}

static void take_bundle(struct node *n, struct bytes body)
{
	wire_bundle_release(&n->bundle);
	ck_assert_int_eq(wire_bundle_decode(&n->bundle, body), 0);
	n->has_bundle = true;
}

/* Request all files that the node lacks, or every other one. */
static void need_bundle(struct node *n, const struct wire_view *v)
{
	struct wire_need m = { .cell = v->cell, .view = v->view };
	struct buf out = { 0 };

	ck_assert_uint_eq(v->part, WIRE_PART_TOOLCHAIN_END);
	m.indices = xcalloc(v->n_entries + 1, sizeof(*m.indices));
	for (uint32_t i = 0; i < v->n_entries; i++) {
		if (v->entries[i].inode.kind == WIRE_INODE_FILE &&
		    !is_there_before(v, i) && !(n->has_some && i % 2))
			m.indices[m.n_indices++] = i;
	}
	n->bundle_lacks = m.n_indices;
	if (n->asks_too_much)
		m.indices[m.n_indices++] = v->n_entries;
	for (unsigned i = 0; i < (n->asks_again ? 4 * v->n_entries : 1); i++) {
		buf_reset(&out);
		wire_need_encode(&out, &m);
		wire_stream_send(n->stream, WIRE_NEED, buf_bytes(&out),
				 WIRE_LZO);
	}
	buf_release(&out);
	wire_need_release(&m);
	if (!n->bundle_lacks || n->refuses || n->lies)
		end_bundle(n);
}

static void send_held(struct node *n, struct bytes body)
{
	struct wire_held_one one = { .id = (char *)n->held,
				     .host = (char *)n->held_host,
				     .detail = (char *)"" };
	struct wire_held m = { .last = 1,
			       .n_toolchains = n->held != NULL,
			       .toolchains = &one };
	struct wire_tools ask;
	struct buf out = { 0 };

	ck_assert_int_eq(wire_tools_decode(&ask, body), 0);
	n->asked++;
	if (n->bundles)
		one.dir_digest = n->bundle.dir_digest;
	if (n->held_tree)
		digest_parse(&one.dir_digest, n->held_tree);
	m.request_id = ask.request_id;
	wire_held_encode(&out, &m);
	say(n, WIRE_HELD, &out);
}

static void take_drop(struct node *n, struct bytes body)
{
	struct wire_drop m;
	struct wire_dropped dropped = { .detail = (char *)"" };
	struct buf out = { 0 };

	ck_assert_int_eq(wire_drop_decode(&m, body), 0);
	dropped.request_id = m.request_id;
	dropped.state = !n->held || strcmp(m.id, n->held) != 0;
	if (dropped.state)
		dropped.detail = (char *)"no such toolchain";
	wire_dropped_encode(&out, &dropped);
	say(n, WIRE_DROPPED, &out);
	wire_drop_release(&m);
}

#endif
