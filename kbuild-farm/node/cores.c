/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/cores.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define CPU_DIR "/sys/devices/system/cpu"

/* Of arch/arm64/include/asm/cputype.h and arch/arm/include/asm/cputype.h. */
static const struct {
	unsigned implementer, part;
	const char *name;
} arm_parts[] = {
	{ 0x41, 0xc05, "Cortex-A5" },   { 0x41, 0xc07, "Cortex-A7" },
	{ 0x41, 0xc08, "Cortex-A8" },   { 0x41, 0xc09, "Cortex-A9" },
	{ 0x41, 0xc0d, "Cortex-A12" },  { 0x41, 0xc0e, "Cortex-A17" },
	{ 0x41, 0xc0f, "Cortex-A15" },  { 0x41, 0xd03, "Cortex-A53" },
	{ 0x41, 0xd04, "Cortex-A35" },  { 0x41, 0xd05, "Cortex-A55" },
	{ 0x41, 0xd07, "Cortex-A57" },  { 0x41, 0xd08, "Cortex-A72" },
	{ 0x41, 0xd09, "Cortex-A73" },  { 0x41, 0xd0a, "Cortex-A75" },
	{ 0x41, 0xd0b, "Cortex-A76" },  { 0x41, 0xd0c, "Neoverse-N1" },
	{ 0x41, 0xd0d, "Cortex-A77" },  { 0x41, 0xd40, "Neoverse-V1" },
	{ 0x41, 0xd41, "Cortex-A78" },  { 0x41, 0xd44, "Cortex-X1" },
	{ 0x41, 0xd46, "Cortex-A510" }, { 0x41, 0xd47, "Cortex-A710" },
	{ 0x41, 0xd48, "Cortex-X2" },   { 0x41, 0xd49, "Neoverse-N2" },
	{ 0x41, 0xd4d, "Cortex-A715" }, { 0x41, 0xd4e, "Cortex-X3" },
	{ 0x41, 0xd4f, "Neoverse-V2" }, { 0x41, 0xd80, "Cortex-A520" },
	{ 0x41, 0xd81, "Cortex-A720" },
};

/* The rest of a line, as a string of its own. */
static char *line_copy(const char *at)
{
	size_t n = strcspn(at, "\n");

	return xstrndup(at, n < WIRE_MODEL_MAX ? n : WIRE_MODEL_MAX);
}

static char *arm_model(const char *block)
{
	const char *who = node_sys_line(block, "CPU implementer");
	const char *what = node_sys_line(block, "CPU part");
	unsigned long implementer, part;

	if (!who || !what)
		return NULL;
	implementer = strtoul(who, NULL, 0);
	part = strtoul(what, NULL, 0);
	for (size_t i = 0; i < sizeof(arm_parts) / sizeof(*arm_parts); i++) {
		if (arm_parts[i].implementer == implementer &&
		    arm_parts[i].part == part)
			return xstrdup(arm_parts[i].name);
	}
	return xasprintf("ARM part 0x%02lx/0x%03lx", implementer, part);
}

/* Of the lines about one CPU: x86 and others name it, RISC-V its uarch. */
static char *model_of(const char *block)
{
	static const char *const names[] = { "model name", "uarch", "cpu" };
	char *arm = arm_model(block);

	for (size_t i = 0; !arm && i < sizeof(names) / sizeof(*names); i++) {
		const char *at = node_sys_line(block, names[i]);

		if (at)
			return line_copy(at);
	}
	return arm ? arm : xstrdup("");
}

/* The models by CPU: a block of /proc/cpuinfo begins with "processor". */
static char **read_models(const char *root)
{
	char **models = xcalloc(NODE_CPUS_MAX, sizeof(*models));
	char *text = node_sys_text(root, "/proc/cpuinfo"), *at = text;

	while (at) {
		char *end = strstr(at, "\n\n");
		const char *line;
		int64_t cpu;

		if (end)
			*end = '\0';
		line = node_sys_line(at, "processor");
		cpu = line ? strtoll(line, NULL, 10) : -1;
		if (cpu >= 0 && cpu < NODE_CPUS_MAX && !models[cpu])
			models[cpu] = model_of(at);
		at = end ? end + 2 : NULL;
	}
	free(text);
	return models;
}

static uint32_t number_within(const char *root, unsigned cpu, const char *name,
			      int64_t most)
{
	int64_t value = 0;

	if (!node_sys_number(root, &value, CPU_DIR "/cpu%u/%s", cpu, name) ||
	    value < 0 || value > most)
		return 0;
	return (uint32_t)value;
}

static uint16_t read_threads(const char *root, unsigned cpu)
{
	char *text = node_sys_text(
		root, CPU_DIR "/cpu%u/topology/thread_siblings_list", cpu);
	struct node_cpus siblings;
	unsigned n = 0;

	if (text && node_cpus_parse(&siblings, text))
		n = node_cpus_count(&siblings);
	free(text);
	return (uint16_t)(n ? n : 1);
}

static struct wire_core_class read_cpu(const char *root, unsigned cpu,
				       const char *model)
{
	char *governor = node_sys_text(
		root, CPU_DIR "/cpu%u/cpufreq/scaling_governor", cpu);

	return (struct wire_core_class){
		.model = xstrdup(model ? model : ""),
		.governor = governor ? governor : xstrdup(""),
		.threads = read_threads(root, cpu),
		.capacity = (uint16_t)number_within(root, cpu, "cpu_capacity",
						    1024),
		.max_khz = number_within(root, cpu, "cpufreq/cpuinfo_max_freq",
					 UINT32_MAX - 1),
	};
}

static bool are_alike(const struct wire_core_class *a,
		      const struct wire_core_class *b)
{
	return !strcmp(a->model, b->model) &&
	       !strcmp(a->governor, b->governor) && a->threads == b->threads &&
	       a->capacity == b->capacity && a->max_khz == b->max_khz;
}

/* A class with its CPUs, while they are found. */
struct found {
	struct wire_core_class is;
	struct node_cpus cpus;
};

static void count_cpu(struct found *all, uint8_t *n, struct wire_core_class *is,
		      unsigned cpu, bool usable)
{
	struct found *f = NULL;

	for (unsigned i = 0; !f && i < *n; i++) {
		if (are_alike(&all[i].is, is))
			f = &all[i];
	}
	if (!f && *n == WIRE_CLASSES)
		f = &all[WIRE_CLASSES - 1];
	if (!f) {
		f = &all[(*n)++];
		f->is = *is;
	} else {
		free(is->model);
		free(is->governor);
	}
	f->is.cpus++;
	f->is.usable = (uint16_t)(f->is.usable + usable);
	node_cpus_add(&f->cpus, cpu);
}

static int compare_classes(const void *a, const void *b)
{
	const struct wire_core_class *x = &((const struct found *)a)->is;
	const struct wire_core_class *y = &((const struct found *)b)->is;

	if (x->capacity != y->capacity)
		return x->capacity > y->capacity ? -1 : 1;
	if (x->max_khz != y->max_khz)
		return x->max_khz > y->max_khz ? -1 : 1;
	return strcmp(x->model, y->model);
}

void node_cores_read(struct wire_machine *m, struct node_cpus **cpus,
		     const char *root)
{
	struct found *all = xcalloc(WIRE_CLASSES, sizeof(*all));
	char **models = read_models(root);
	struct node_cpus present, usable;

	node_cpus_present(&present, root);
	node_cpus_usable(&usable, root);
	for (unsigned cpu = 0; cpu < NODE_CPUS_MAX; cpu++) {
		struct wire_core_class one;

		if (!node_cpus_has(&present, cpu))
			continue;
		/* One that was never online since the start has no model. */
		one = read_cpu(root, cpu, models[cpu]);
		count_cpu(all, &m->n_classes, &one, cpu,
			  node_cpus_has(&usable, cpu));
	}
	qsort(all, m->n_classes, sizeof(*all), compare_classes);
	m->classes = xcalloc(m->n_classes + 1u, sizeof(*m->classes));
	if (cpus)
		*cpus = xcalloc(m->n_classes + 1u, sizeof(**cpus));
	for (unsigned i = 0; i < m->n_classes; i++) {
		m->classes[i] = all[i].is;
		if (cpus)
			(*cpus)[i] = all[i].cpus;
	}
	free(all);
	for (unsigned cpu = 0; cpu < NODE_CPUS_MAX; cpu++)
		free(models[cpu]);
	free(models);
}
