/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/reference-object.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "inputs/object-format.h"
#include "options/rewrite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REFERENCE_TIMEOUT_MS 10000
#define OBJECT_MAX           (256u << 10)

static const char reference_text[] = "int kfarm_reference(int n);\n"
				     "int kfarm_reference(int n)\n"
				     "{\n"
				     "\tint sum = 0;\n"
				     "\tfor (int i = 0; i < n; i++)\n"
				     "\t\tsum += i * i ^ n;\n"
				     "\treturn sum;\n"
				     "}\n";

struct bytes inputs_reference_object_source(void)
{
	return bytes_str(reference_text);
}

static void on_reference_compiled(void *ctx, int wait_status, uint64_t cpu_ms)
{
	struct inputs_reference_object *ref = ctx;
	struct err err;

	(void)cpu_ms;
	ref->child = NULL;
	ref->state = INPUTS_STATE_READY;
	if (wait_status ||
	    fs_read(ref->output_path, OBJECT_MAX, &ref->object, &err) ||
	    !inputs_object_format_is_supported(buf_bytes(&ref->object)))
		ref->state = INPUTS_STATE_UNUSABLE;
	unlink(ref->output_path);
	ref->toolchain->table->on_reference_made(ref->toolchain->table->ctx,
						 ref);
}

/* Compile a reference with only the machine options. */
static int make_reference(struct inputs_reference_object *ref, struct err *err)
{
	struct inputs_toolchains *all = ref->toolchain->table;
	char *source = xasprintf("%s/" INPUTS_REFERENCE_SOURCE_NAME,
				 all->work_dir);
	struct strv argv = { 0 };
	struct spawn what = { .cwd = all->work_dir,
			      .stdio_fds = { -1, -1, -1 } };
	int ret = 0;

	ref->start_ms = clock_ms();
	ref->output_path = xasprintf("%s/reference-%u.o", all->work_dir,
				     all->n_references++);
	if (!fs_exists(source))
		ret = fs_write(source, inputs_reference_object_source(), 0600,
			       err);
	strv_add(&argv, ref->toolchain->driver);
	strv_add_all(&argv, ref->machine_options.v);
	strv_add(&argv, "-c");
	strv_add(&argv, "-o");
	strv_add(&argv, ref->output_path);
	strv_add(&argv, INPUTS_REFERENCE_SOURCE_NAME);
	what.argv = argv.v;
	if (!ret)
		ret = child_start(all->children, &what, on_reference_compiled,
				  ref, &ref->child, err);
	strv_release(&argv);
	free(source);
	return ret;
}

struct inputs_reference_object *inputs_reference_object_get(
	struct inputs_toolchain *tc, const struct options_command *command)
{
	struct inputs_reference_object *ref;
	struct strv machine = { 0 };
	struct err err;

	options_rewrite_object_format(&machine, command);
	list_for_each(ref, &tc->references, list_entry) {
		if (strv_equal(&ref->machine_options, &machine)) {
			strv_release(&machine);
			return ref;
		}
	}
	ref = xcalloc(1, sizeof(*ref));
	ref->toolchain = tc;
	ref->machine_options = machine;
	TAILQ_INSERT_TAIL(&tc->references, ref, list_entry);
	if (make_reference(ref, &err)) {
		log_warning("%s", err.text);
		ref->state = INPUTS_STATE_UNUSABLE;
	}
	return ref;
}

void inputs_reference_object_kill_stalled(struct inputs_toolchain *tc)
{
	struct inputs_reference_object *ref;

	list_for_each(ref, &tc->references, list_entry) {
		if (!ref->child ||
		    clock_ms() < ref->start_ms + REFERENCE_TIMEOUT_MS)
			continue;
		child_kill(ref->child);
		ref->child = NULL;
		ref->state = INPUTS_STATE_UNUSABLE;
		tc->table->on_reference_made(tc->table->ctx, ref);
	}
}

void inputs_reference_object_free_all(struct inputs_toolchain *tc)
{
	struct inputs_reference_object *ref;

	while ((ref = TAILQ_FIRST(&tc->references))) {
		TAILQ_REMOVE(&tc->references, ref, list_entry);
		if (ref->child)
			child_kill(ref->child);
		strv_release(&ref->machine_options);
		buf_release(&ref->object);
		free(ref->output_path);
		free(ref);
	}
}
