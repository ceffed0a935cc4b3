/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/report-sample.h - Simulated builds in the form of the history's
 * data.
 */
#ifndef REPORT_SAMPLE_H
#define REPORT_SAMPLE_H

#include "base/str.h"
#include "base/vec.h"
#include "report/data.h"

#include <check.h>
#include <stdlib.h>
#include <time.h>

/*
 * Markup, quotes, the end of a script, a colour, a bidirectional control, a C1
 * control, invalid UTF-8, and a noncharacter.
 */
#define SAMPLE_HOSTILE                                    \
	"<b>&amp;\"'</script><!--]]>\033[31m\xe2\x80\xae" \
	"evil\xc2\x9b\xff\xef\xbf\xbe"

static inline struct history_build sample_build(int64_t number)
{
	return (struct history_build){
		.number = number,
		.series_key = xstrdup("0123456789abcdef0123456789abcdef"
				      "0123456789abcdef0123456789abcdef"),
		.command = xstrdup("Image modules dtbs"),
		.arch = xstrdup("arm64"),
		.config = xstrdup("defconfig"),
		.toolchain = xstrdup("gcc-12.2.0"),
		.tree = xstrdup("stable"),
		.source = xstrdup("/home/a/trees/stable"),
		.dir = xstrdup("/home/a/build"),
		.output = xstrdup("/home/a/out/7"),
		.commit = xstrdup("0123456789012345678901234567890123456789"),
		.release = xstrdup("6.1.192"),
		.state = HISTORY_STATE_GOOD,
		.start_s = 1795312293,
		.wall_ms = 20000,
		.host_ms = 4100,
		.scan_ms = 700,
		.cpu_ms = 61500,
		.n_make_jobs = 12,
		.n_local_slots = 2,
		.n_new_warnings = -1,
		.n_new_errors = -1,
		.n_removed_diags = -1,
	};
}

static inline void sample_phase(struct report_data *d, const char *name,
				int64_t at_ms, int64_t ms)
{
	struct history_phase *p = VEC_ADD(d->details.phases,
					  d->details.n_phases);

	*p = (struct history_phase){ xstrdup(name), at_ms, ms };
}

static inline void sample_node(struct report_data *d, const char *name,
			       int64_t slots)
{
	struct history_node *n = VEC_ADD(d->details.nodes, d->details.n_nodes);
	bool local = !strcmp(name, "local");

	*n = (struct history_node){
		.name = xstrdup(name),
		.machine = local ? NULL : xstrdup("aarch64"),
		.state = xstrdup(local ? "" : "up"),
		.n_slots = slots,
		.sent_bytes = 1234567,
		.received_bytes = 98765,
		.min_speed_milli = local ? 0 : 714,
		.max_celsius_milli = local ? 0 : 81500,
	};
}

static inline void sample_reason(struct report_data *d, const char *text)
{
	VEC_ADD(d->details.reasons, d->details.n_reasons)->text = xstrdup(text);
}

/* Add a unit on `node` from begin to end; reason -1: none. */
static inline void sample_unit(struct report_data *d, const char *object,
			       size_t node, int reason, int64_t begin_ms,
			       int64_t end_ms)
{
	struct history_unit *u = VEC_ADD(d->details.units, d->details.n_units);
	bool remote = reason < 0;

	*u = (struct history_unit){
		.object = xstrdup(object),
		.file = xasprintf("%.*sc", (int)strlen(object) - 1, object),
		.job_number = (int64_t)d->details.n_units,
		.queued_ms = begin_ms - 20,
		.sent_ms = remote ? begin_ms : -1,
		.run_ms = remote ? -1 : begin_ms,
		.received_ms = remote ? end_ms - 10 : -1,
		.done_ms = end_ms,
		.cpu_ms = (end_ms - begin_ms) * 3 / 4,
		.node_index = (int64_t)node,
		.reason_index = reason,
		.remote = remote,
	};
	d->details.nodes[node].n_jobs++;
	d->details.nodes[node].cpu_ms += u->cpu_ms;
	d->build.n_jobs++;
	d->build.n_remote += remote;
	d->build.n_local += !remote;
	if (!remote)
		d->details.reasons[reason].n_jobs++;
}

static inline void sample_diag(struct report_data *d,
			       enum history_diag_status how,
			       const char *severity, const char *file,
			       const char *text, const char *flag)
{
	struct history_diag *g = VEC_ADD(d->details.diags, d->details.n_diags);

	*g = (struct history_diag){
		.tool = xstrdup("cc"),
		.severity = xstrdup(severity),
		.file = file ? xstrdup(file) : NULL,
		.flag = flag ? xstrdup(flag) : NULL,
		.text = xstrdup(text),
		.line = file ? 42 : 0,
		.column = file ? 7 : 0,
		.status = how,
	};
}

static inline void sample_step_reason(struct report_data *d, const char *text,
				      int64_t steps)
{
	struct history_reason *r = VEC_ADD(d->details.step_reasons,
					   d->details.n_step_reasons);

	*r = (struct history_reason){ xstrdup(text), steps };
}

static inline void sample_size(struct history_details *d, const char *name,
			       int64_t text, int64_t data, int64_t file)
{
	struct history_size *s = VEC_ADD(d->sizes, d->n_sizes);

	*s = (struct history_size){ xstrdup(name), text, data, data / 2, file };
}

static inline void sample_begin(struct report_data *d)
{
	setenv("TZ", "UTC", 1);
	tzset();
	*d = (struct report_data){ .build = sample_build(7) };
}

/* Two nodes and the build host, eleven units, a baseline. */
static inline void sample_small(struct report_data *d)
{
	static const char *const objects[] = {
		"init/main.o",   "kernel/fork.o",      "kernel/sched/core.o",
		"fs/inode.o",    "fs/ext4/super.o",    "mm/slub.o",
		"net/ipv4/ip.o", "drivers/base/bus.o", "lib/vsprintf.o",
	};

	sample_begin(d);
	sample_phase(d, "config", 0, 1500);
	sample_phase(d, "prepare", 1500, 2500);
	sample_phase(d, "compile", 4000, 12000);
	sample_phase(d, "link", 16000, 2200);
	sample_phase(d, "modpost", 18200, 1000);
	sample_node(d, "neo4a", 2);
	sample_node(d, "desk", 3);
	sample_node(d, "local", 2);
	sample_reason(d, ".incbin or .include, perhaps");
	sample_reason(d, "plugin");
	sample_step_reason(d, "unusual option", 2);
	d->build.n_steps = 5;
	d->build.n_local_steps = 2;
	for (int i = 0; i < 9; i++) {
		size_t node = (size_t)i % 2;

		sample_unit(d, objects[i], node, -1, 4000 + 700 * i,
			    7000 + 1100 * i);
	}
	sample_unit(d, "kernel/configs.o", 2, 0, 4100, 5200);
	sample_unit(d, "certs/system.o", 2, 1, 4500, 4900);
	d->details.units[3].n_retries = 1;
	d->details.nodes[0].n_retries = 1;
	d->build.n_retried = 1;
	d->build.n_jobs = 11;
	d->build.n_warnings = 2;
	d->build.n_new_warnings = 1;
	d->build.n_new_errors = 0;
	d->build.n_removed_diags = 1;
	sample_diag(d, HISTORY_DIAG_NEW, "warning", "fs/inode.c",
		    "unused variable 'i'", "-Wunused-variable");
	sample_diag(d, HISTORY_DIAG_UNCHANGED, "warning", "mm/slub.c",
		    "label 'out' defined but not used", "-Wunused-label");
	sample_diag(d, HISTORY_DIAG_REMOVED, "warning", NULL,
		    "modpost: missing MODULE_LICENSE() in drivers/x.o", NULL);
	d->baseline = sample_build(5);
	d->baseline.wall_ms = 25000;
	d->baseline.n_jobs = 11;
	d->baseline.n_remote = 9;
	d->baseline.n_local = 2;
	d->baseline.n_warnings = 2;
	d->has_baseline = true;
	sample_size(&d->details, "arch/arm64/boot/Image", 0, 0, 3151880);
	sample_size(&d->details, "fs/fat/fat.ko", 61000, 4000, 90000);
	sample_size(&d->details, "fs/new.ko", 100, 10, 2000);
	sample_size(&d->details, "vmlinux", 2718720, 180736, 45000000);
	sample_size(&d->baseline_details, "arch/arm64/boot/Image", 0, 0,
		    3151880);
	sample_size(&d->baseline_details, "fs/fat/fat.ko", 61100, 4000, 90200);
	sample_size(&d->baseline_details, "fs/old.ko", 100, 10, 2000);
	sample_size(&d->baseline_details, "vmlinux", 2718000, 180736, 45000000);
}

/* Every text in it is or contains SAMPLE_HOSTILE. */
static inline void sample_hostile(struct report_data *d)
{
	sample_begin(d);
	free(d->build.command);
	d->build.command = xstrdup(SAMPLE_HOSTILE);
	free(d->build.tree);
	d->build.tree = xstrdup(SAMPLE_HOSTILE);
	free(d->build.config);
	d->build.config = xstrdup(SAMPLE_HOSTILE);
	free(d->build.output);
	d->build.output = xstrdup("/tmp/" SAMPLE_HOSTILE);
	sample_phase(d, SAMPLE_HOSTILE, 0, 15000);
	sample_node(d, SAMPLE_HOSTILE, 2);
	sample_node(d, "local", 2);
	sample_reason(d, SAMPLE_HOSTILE);
	sample_step_reason(d, SAMPLE_HOSTILE, 1);
	d->build.n_local_steps = 1;
	d->details.nodes[0].state[0] = 'x';
	d->details.nodes[0].reason = xstrdup(SAMPLE_HOSTILE);
	sample_unit(d, SAMPLE_HOSTILE ".o", 0, -1, 100, 15000);
	sample_unit(d, SAMPLE_HOSTILE "2.o", 1, 0, 100, 9000);
	sample_diag(d, HISTORY_DIAG_NEW, "warning", SAMPLE_HOSTILE,
		    SAMPLE_HOSTILE, SAMPLE_HOSTILE);
	sample_diag(d, HISTORY_DIAG_UNCHANGED, "error", NULL, SAMPLE_HOSTILE,
		    NULL);
	sample_size(&d->details, SAMPLE_HOSTILE ".ko", 1, 2, 3);
}

/* Any number of nodes, units, warnings and modules. */
static inline void sample_large(struct report_data *d, unsigned nodes,
				unsigned slots, unsigned units)
{
	sample_begin(d);
	sample_phase(d, "compile", 0, 20000);
	for (unsigned i = 0; i < nodes; i++) {
		char *name = xasprintf("node-%03u.farm.example.org", i);

		sample_node(d, name, slots);
		free(name);
	}
	sample_node(d, "local", 4);
	sample_reason(d, ".incbin or .include, perhaps");
	for (unsigned i = 0; i < units; i++) {
		unsigned row = i % (nodes * slots), turn = i / (nodes * slots);
		unsigned turns = units / (nodes * slots) + 1;
		int64_t wide = 20000 / turns;
		bool here = i % 10 == 9;
		size_t node = here ? nodes : row / slots;
		char *name = xasprintf("drivers/some/long/directory/of/a/"
				       "driver/with/object-%06u.o",
				       i);

		sample_unit(d, name, node, here ? 0 : -1,
			    wide * turn + row % 37, wide * (turn + 1));
		free(name);
	}
	for (unsigned i = 0; i < 5000; i++) {
		char *name = xasprintf("drivers/x/y/module-%05u", i);

		sample_diag(d,
			    i % 7 ? HISTORY_DIAG_UNCHANGED : HISTORY_DIAG_NEW,
			    "warning", name,
			    "a warning of some length, as they are found in "
			    "kernels, with a 'name' or \"two\" in it",
			    "-Wsome-flag");
		sample_size(&d->details, name, 5000 + i, 100, 9000 + i);
		free(name);
	}
}

#endif
