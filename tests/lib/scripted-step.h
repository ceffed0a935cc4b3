/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/lib/scripted-step.h - The part of scripted-node.h for tool steps.
 */
#ifndef SCRIPTED_STEP_H
#define SCRIPTED_STEP_H

static void take_step(struct node *n, struct bytes body)
{
	wire_step_release(&n->step);
	ck_assert_int_eq(wire_step_decode(&n->step, body), 0);
	ck_assert_ptr_nonnull(wire_paths_get(n->paths, n->step.tool));
	n->stepped = true;
	n->steps++;
}

static void check_step(const struct node *n)
{
	if (n->stepped)
		ck_assert(wire_step_fits_job(&n->step, &n->job));
}

static struct bytes text_deps(const char *source)
{
	static char *list;

	free(list);
	list = xasprintf("-: %s /usr/include/stdc-predef.h unit.h\n", source);
	return bytes_str(list);
}

/* A blob with only the correct length. */
static const uint8_t step_blob[40] = { 0xd0, 0x0d, 0xfe, 0xed, [7] = 40 };

static void fill_tree(struct bytes streams[static WIRE_N_OUTPUTS])
{
	streams[WIRE_OUTPUT_OBJECT] = bytes_str("/dts-v1/;\n");
	streams[WIRE_OUTPUT_AS_DEPS] = bytes_str("-: /.kfarm/out/out.o\n");
	streams[WIRE_OUTPUT_STDOUT] = bytes_of(step_blob, sizeof(step_blob));
}

static void fill_step(const struct node *n,
		      struct bytes streams[static WIRE_N_OUTPUTS])
{
	if (n->stepped && n->step.kind == WIRE_STEP_DEVICETREE)
		fill_tree(streams);
	if (!n->stepped || n->step.kind != WIRE_STEP_SYMBOLS)
		return;
	streams[WIRE_OUTPUT_OBJECT] = bytes_of(NULL, 0);
	streams[WIRE_OUTPUT_AS_DEPS] = bytes_of(NULL, 0);
	streams[WIRE_OUTPUT_STDOUT] = bytes_str("#symbols\n");
	/* The input of a tool step, which the compiler received as a file. */
	if (strcmp(n->job.source, "unit.c") != 0)
		streams[WIRE_OUTPUT_DEPS] = text_deps(n->job.source);
}

static void make_key(struct node *n, struct digest *key)
{
	struct wire_flag *flags;
	size_t k;

	ck_assert_int_eq(wire_flags_decode_job(n->flags, &n->job, &flags, &k),
			 0);
	ck_assert_uint_lt(n->job.cell, 64);
	wire_job_digest(n->stepped ? &n->step : NULL, &n->job, flags, k,
			&n->toolchain[n->job.cell], node_version(n), key);
	free(flags);
}

#endif
