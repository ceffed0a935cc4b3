/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/unit-count.h"

#include "base/spawn.h"
#include "base/task.h"
#include "base/vec.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define OUTPUT_MAX (1u << 20)
#define CPU_S      20
#define NICE       19

#define MARK "kfarm units: "

/*
 * Makefile that counts the units.  k.visit includes the Makefile of the
 * directory $(1), and k.count adds its objects to k.units and its
 * subdirectories to k.next.  k.clear removes kbuild's lists, because the next
 * directory can use the same names ("setup-y").  k.walk visits one level of
 * directories after the other.  $(error) ends make before it considers a
 * target.
 *
 * An object NAME.o with a list NAME-objs, NAME-y or NAME-m is linked from the
 * parts in the list, as in scripts/Makefile.lib.  Objects that kbuild compiles
 * for custom rules (vDSOs, boot code) are in `targets`, `extra-y` or
 * `always-y`.  objcopy makes a .stub.o or .pi.o from the .o of the same name.
 * Modules have an additional .mod.o.  A host program without parts is compiled
 * and linked by one command, which is not a unit.  tools/ has another build
 * system; its programs are counted by their sources.
 *
 * Kernels before 6.1 list the top directories in the top Makefile, which cannot
 * be included.  For these kernels, k.top has the names of the directories.
 */
static const char makefile[] =
	"-include $(objtree)/.config\n"
	"BITS := $(if $(CONFIG_64BIT),64,32)\n"
	"k.parts = $(foreach o,$(1),"
	"$(or $(strip $($(o:.o=-objs)) $($(o:.o=-y)) $($(o:.o=-m))),$(o)))\n"
	"k.programs = $(foreach p,$(1),$($(p)-objs) $($(p)-cxxobjs))\n"
	"k.blobs = $(foreach b,$(1),$(or $($(b:.dtb=-dtbs)),$(b)))\n"
	"k.clear = $(foreach v,$(filter %-y %-m %- %-objs %-dtbs,\\\n"
	"  $(.VARIABLES)) always extra-y hostprogs targets,\\\n"
	"  $(eval undefine $(v)))\n"
	"k.hostprogs = $(sort $(hostprogs) $(hostprogs-y) \\\n"
	"  $(hostprogs-always-y))\n"
	"define k.count\n"
	"k.mod := $(if $(k.modules),$(filter %.o,$(obj-m)))\n"
	"k.linked := $(k.mod) $(if $(k.builtin),$(filter %.o,$(obj-y) $(lib-y)))\n"
	"k.objects := $(call k.parts,$(k.linked)) $(targets) $(extra-y) \\\n"
	"  $(always-y) $(always)\n"
	"k.units += $(addprefix $(obj)/,$(sort $(patsubst %.pi.o,%.o,\\\n"
	"  $(patsubst %.stub.o,%.o,$(filter %.o,$(k.objects)))) \\\n"
	"  $(k.mod:.o=.mod.o) $(call k.programs,\\\n"
	"  $(if $(filter scripts/kconfig,$(obj)),conf,$(k.hostprogs))) \\\n"
	"  $(if $(k.dtbs),$(call k.blobs,$(dtb-y)))))\n"
	"k.next += $(addprefix $(obj)/,$(patsubst %/,%,$(filter %/,$(obj-y) \\\n"
	"  $(if $(k.modules),$(obj-m))) $(subdir-y) \\\n"
	"  $(if $(k.modules),$(subdir-m))))\n"
	"endef\n"
	"define k.visit\n"
	"obj := $(1)\n"
	"src := $(1)\n"
	"-include $(firstword $(wildcard $(1)/Kbuild $(1)/Makefile))\n"
	"$$(eval $$(value k.count))\n"
	"$$(k.clear)\n"
	"endef\n"
	"k.walk = $(if $(1),$(eval k.next :=)$(eval k.seen += $(1))\\\n"
	"  $(foreach d,$(1),$(eval $(call k.visit,$(d))))\\\n"
	"  $(call k.walk,$(filter-out $(k.seen),$(sort $(k.next)))))\n"
	"core-y :=\n"
	"drivers-y :=\n"
	"libs-y := lib/\n"
	"-include arch/$(SRCARCH)/Makefile\n"
	"ARCH_CORE := $(core-y)\n"
	"ARCH_LIB := $(filter %/,$(libs-y))\n"
	"ARCH_DRIVERS := $(drivers-y) $(drivers-m)\n"
	"obj := .\n"
	"$(k.clear)\n"
	"-include Kbuild\n"
	"k.top := init usr kernel certs mm fs ipc security crypto drivers sound \\\n"
	"  virt $(if $(CONFIG_BLOCK),block) $(if $(CONFIG_NET),net) \\\n"
	"  $(if $(CONFIG_IO_URING),io_uring) $(if $(CONFIG_SAMPLES),samples) \\\n"
	"  $(filter %/,$(ARCH_CORE) $(ARCH_LIB) $(ARCH_DRIVERS))\n"
	"k.top := $(or $(filter %/,$(obj-y)),$(k.top)) \\\n"
	"  $(if $(k.modules),$(filter %/,$(obj-m)))\n"
	"k.boot := $(if $(k.image),$(wildcard $(addprefix arch/$(SRCARCH)/,\\\n"
	"  boot boot/compressed)))\n"
	"k.sources := $(wildcard tools/lib/subcmd/*.c \\\n"
	"  $(if $(CONFIG_OBJTOOL)$(CONFIG_STACK_VALIDATION),\\\n"
	"    tools/objtool/*.c tools/objtool/arch/$(SRCARCH)/*.c) \\\n"
	"  $(if $(CONFIG_DEBUG_INFO_BTF),\\\n"
	"    tools/lib/bpf/*.c tools/bpf/resolve_btfids/*.c))\n"
	"k.units := $(if $(filter-out tools/lib/subcmd/%,$(k.sources)),\\\n"
	"  $(k.sources))\n"
	"$(k.clear)\n"
	"$(call k.walk,$(sort $(patsubst %/,%,$(k.top)) $(k.boot) scripts \\\n"
	"  scripts/basic scripts/kconfig scripts/mod \\\n"
	"  $(if $(CONFIG_DTC),scripts/dtc) \\\n"
	"  $(if $(k.dtbs),arch/$(SRCARCH)/boot/dts)))\n"
	"$(if $(k.list),$(foreach u,$(k.units),$(info $(u))))\n"
	"$(info " MARK "$(words $(k.units)))\n"
	"$(error stop)\n";

/*
 * Add the variables that select the objects to count for the targets.  Returns
 * false if a target is not supported.
 */
static bool add_selection(struct strv *out, const struct strv *targets)
{
	bool all = !targets->n || strv_has(targets, "all"), image = all;
	bool modules = all || strv_has(targets, "modules");
	bool dtbs = all || strv_has(targets, "dtbs");
	bool builtin = all || strv_has(targets, "vmlinux");

	for (size_t i = 0; i < targets->n; i++) {
		const char *t = targets->v[i];

		if (strstr(t, "Image"))
			image = builtin = true;
		else if (strcmp(t, "all") && strcmp(t, "vmlinux") &&
			 strcmp(t, "modules") && strcmp(t, "dtbs"))
			return false;
	}
	strv_addf(out, "k.image=%s", image ? "y" : "");
	strv_addf(out, "k.builtin=%s", builtin ? "y" : "");
	strv_addf(out, "k.modules=%s", modules ? "y" : "");
	strv_addf(out, "k.dtbs=%s", dtbs ? "y" : "");
	return true;
}

/* Return the number after the last MARK at the start of a line, or 0. */
static int64_t parse_count(const char *text)
{
	long n = 0;

	while (text) {
		if (str_starts(text, MARK)) {
			char *word = xstrndup(
				text + strlen(MARK),
				strcspn(text + strlen(MARK), "\n"));

			if (str_parse_number(word, 1, INT32_MAX, &n))
				n = 0;
			free(word);
		}
		text = strchr(text, '\n');
		text += text != NULL;
	}
	return n;
}

/* Runs on the thread of the count. */
static void count_units(void *arg)
{
	struct kernel_unit_count *c = arg;
	const struct spawn make = { .argv = c->argv.v,
				    .env = c->env.v,
				    .cwd = c->dir,
				    .stdio_fds = { -1, -1, -1 },
				    .killed_with_parent = true,
				    .cpu_s = CPU_S };
	/*
	 * CPU_S limits the work.  The elapsed time is not limited, because a
	 * slow machine needs the count most.
	 */
	const struct spawn_limits limits = { .max_bytes = OUTPUT_MAX,
					     .timeout_ms = INT_MAX,
					     .stop = &c->stop };
	struct buf out = { 0 };
	struct err ignored;
	int status;

	/* On Linux, this affects only the calling thread and its children. */
	setpriority(PRIO_PROCESS, 0, NICE);
	if (!spawn_collect(&make, &limits, &out, NULL, &status, &ignored))
		c->n_units = parse_count(buf_str(&out));
	buf_release(&out);
}

static void on_done(void *arg)
{
	struct kernel_unit_count *c = arg;

	c->task = NULL;
	if (c->n_units)
		c->on_counted(c->ctx, c->n_units);
}

void kernel_unit_count_start(struct kernel_unit_count *c,
			     struct event_base *base,
			     const struct kernel_plan *p,
			     const struct strv *targets,
			     void (*on_counted)(void *ctx, int64_t n_units),
			     void *ctx)
{
	const char *path = str_find_env(p->env, "PATH");

	*c = (struct kernel_unit_count){ .on_counted = on_counted, .ctx = ctx };
	strv_add(&c->argv, p->make_path);
	strv_addf(&c->argv, "--eval=%s", makefile);
	strv_addf(&c->argv, "ARCH=%s", p->arch.arch);
	strv_add_all(&c->argv, p->vars.v);
	strv_addf(&c->argv, "SRCARCH=%s", p->arch.srcarch);
	strv_addf(&c->argv, "objtree=%s", p->builddir.dir);
	strv_split(&c->argv, "-s -rR -f /dev/null SHELL=/bin/true srctree=.",
		   " ");
	strv_addf(&c->env, "PATH=%s", path ? path : "/usr/bin:/bin");
	c->dir = xstrdup(p->tree);
	if (kernel_plan_find_setting(p, "M") ||
	    kernel_plan_find_setting(p, "KBUILD_EXTMOD") ||
	    !add_selection(&c->argv, targets))
		return;
	c->task = task_start_notify(base, count_units, on_done, c);
}

void kernel_unit_count_stop(struct kernel_unit_count *c)
{
	atomic_store(&c->stop, true);
	if (c->task)
		task_join(c->task);
	c->task = NULL;
	strv_release(&c->argv);
	strv_release(&c->env);
	free(c->dir);
	c->dir = NULL;
}
