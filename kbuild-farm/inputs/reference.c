/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/reference.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "inputs/object.h"
#include "options/rewrite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REFERENCE_MS 10000
#define OBJECT_MAX   (256u << 10)

static const char reference_text[] = "int kfarm_reference(int n);\n"
				     "int kfarm_reference(int n)\n"
				     "{\n"
				     "\tint sum = 0;\n"
				     "\tfor (int i = 0; i < n; i++)\n"
				     "\t\tsum += i * i ^ n;\n"
				     "\treturn sum;\n"
				     "}\n";

struct bytes inputs_reference_text(void)
{
	return bytes_str(reference_text);
}

static void on_reference(void *ctx, int wait_status, uint64_t cpu_ms)
{
	struct inputs_reference *ref = ctx;
	struct err err;

	(void)cpu_ms;
	ref->child = NULL;
	ref->state = INPUTS_READY;
	if (wait_status || fs_read(ref->path, OBJECT_MAX, &ref->object, &err) ||
	    !inputs_object_is_known(buf_bytes(&ref->object)))
		ref->state = INPUTS_BAD;
	unlink(ref->path);
	ref->toolchain->all->made(ref->toolchain->all->ctx, ref);
}

/* Compile it with nothing but the machine's options. */
static int make_reference(struct inputs_reference *ref, struct err *err)
{
	struct inputs_toolchains *all = ref->toolchain->all;
	char *source = xasprintf("%s/" INPUTS_REFERENCE_SOURCE, all->work);
	struct strv argv = { 0 };
	struct spawn what = { .cwd = all->work, .fd = { -1, -1, -1 } };
	int ret = 0;

	ref->since_ms = clock_ms();
	ref->path = xasprintf("%s/reference-%u.o", all->work,
			      all->n_references++);
	if (!fs_exists(source))
		ret = fs_write(source, inputs_reference_text(), 0600, err);
	strv_add(&argv, ref->toolchain->driver);
	strv_add_all(&argv, ref->machine.v);
	strv_add(&argv, "-c");
	strv_add(&argv, "-o");
	strv_add(&argv, ref->path);
	strv_add(&argv, INPUTS_REFERENCE_SOURCE);
	what.argv = argv.v;
	if (!ret)
		ret = child_start(all->children, &what, on_reference, ref,
				  &ref->child, err);
	strv_release(&argv);
	free(source);
	return ret;
}

struct inputs_reference *inputs_reference_get(
	struct inputs_toolchain *tc, const struct options_command *command)
{
	struct inputs_reference *ref;
	struct strv machine = { 0 };
	struct err err;

	options_rewrite_machine(&machine, command);
	list_for_each(ref, &tc->references, link) {
		if (strv_equal(&ref->machine, &machine)) {
			strv_release(&machine);
			return ref;
		}
	}
	ref = xcalloc(1, sizeof(*ref));
	ref->toolchain = tc;
	ref->machine = machine;
	TAILQ_INSERT_TAIL(&tc->references, ref, link);
	if (make_reference(ref, &err)) {
		log_warning("%s", err.text);
		ref->state = INPUTS_BAD;
	}
	return ref;
}

void inputs_reference_check_all(struct inputs_toolchain *tc)
{
	struct inputs_reference *ref;

	list_for_each(ref, &tc->references, link) {
		if (!ref->child || clock_ms() < ref->since_ms + REFERENCE_MS)
			continue;
		child_kill(ref->child);
		ref->child = NULL;
		ref->state = INPUTS_BAD;
		tc->all->made(tc->all->ctx, ref);
	}
}

void inputs_reference_free_all(struct inputs_toolchain *tc)
{
	struct inputs_reference *ref;

	while ((ref = TAILQ_FIRST(&tc->references))) {
		TAILQ_REMOVE(&tc->references, ref, link);
		if (ref->child)
			child_kill(ref->child);
		strv_release(&ref->machine);
		buf_release(&ref->object);
		free(ref->path);
		free(ref);
	}
}
