/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "machine/machine.h"

#include "base/str.h"
#include "base/vec.h"
#include "machine/cgroup.h"
#include "machine/sys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#define LOAD_INTERVAL_MS 900 /* minimum interval of machine_load_update() */

/* Return a KiB value of /proc/meminfo in bytes. */
static uint64_t meminfo_bytes(const char *text, const char *name)
{
	const char *at = text ? machine_sys_find_value(text, name) : NULL;

	return at ? strtoull(at, NULL, 10) << 10 : 0;
}

static uint32_t to_mib(uint64_t bytes)
{
	return bytes >> 20 > UINT32_MAX ? UINT32_MAX : (uint32_t)(bytes >> 20);
}

/*
 * Read the memory in bytes, within the limits of the control groups.  Kernels
 * before 3.14 lack MemAvailable; free memory plus cached files is a close
 * estimate.
 */
static void read_memory(const char *root, const struct machine_cgroup *cg,
			uint64_t *total, uint64_t *available)
{
	char *text = machine_sys_read_text(root, "/proc/meminfo");

	*total = meminfo_bytes(text, "MemTotal");
	*available = meminfo_bytes(text, "MemAvailable");
	if (!*available)
		*available = meminfo_bytes(text, "MemFree") +
			     meminfo_bytes(text, "Cached");
	free(text);
	if (cg->memory_bytes && cg->memory_bytes < *total)
		*total = cg->memory_bytes;
	if (cg->memory_bytes && cg->free_bytes < *available)
		*available = cg->free_bytes;
}

static uint32_t load_average(const char *root)
{
	char *text = machine_sys_read_text(root, "/proc/loadavg");
	double minute = text ? strtod(text, NULL) : 0;

	free(text);
	return minute > 0 && minute < 1e6 ? (uint32_t)(minute * 1000) : 0;
}

/*
 * Return a value of uname(2).  `what` is the name of the file in
 * /proc/sys/kernel that contains the value: "hostname", "osrelease" or "arch".
 * "arch" is the output of `uname -m`; this file exists only since Linux 6.1.
 * The caller frees the text, which is "" if the value is unknown.
 */
static char *read_uname(const char *root, const char *what)
{
	struct utsname name;
	char *text;

	if (!*root && !uname(&name)) {
		if (!strcmp(what, "hostname"))
			return xstrdup(name.nodename);
		return xstrdup(!strcmp(what, "arch") ? name.machine :
						       name.release);
	}
	text = machine_sys_read_text(root, "/proc/sys/kernel/%s", what);
	return text ? text : xstrdup("");
}

void machine_inventory_collect(struct wire_inventory *inv, const char *root)
{
	char *boot_id = machine_sys_read_text(
		root, "/proc/sys/kernel/random/boot_id");
	struct machine_cgroup cg;
	struct machine_cpus usable;
	uint64_t total, available;
	unsigned cores, quota;

	machine_cgroup_read(&cg, root);
	read_memory(root, &cg, &total, &available);
	machine_cpus_read_usable(&usable, root);
	cores = machine_cpus_count(&usable);
	if (!cores)
		cores = 1;
	/* Round a fractional quota up: 2.5 cores count as 3. */
	quota = cg.cpu_milli / 1000 + (cg.cpu_milli % 1000 != 0);
	if (quota && quota < cores)
		cores = quota;
	*inv = (struct wire_inventory){
		.machine = read_uname(root, "arch"),
		.host = read_uname(root, "hostname"),
		.boot_id = boot_id ? boot_id : xstrdup(""),
		.cores = (uint16_t)cores,
		.memory_mib = to_mib(total),
		.available_mib = to_mib(available),
		.load_milli = load_average(root),
	};
}

bool machine_inventory_read_load(uint32_t *available_mib, uint32_t *load_milli,
				 const char *root)
{
	struct machine_cgroup cg;
	uint64_t total, available;

	machine_cgroup_read(&cg, root);
	read_memory(root, &cg, &total, &available);
	if (!total)
		return false;
	*available_mib = to_mib(available);
	*load_milli = load_average(root);
	return true;
}

void machine_load_update(struct machine_load *l, uint64_t now_ms,
			 const char *root)
{
	if (l->read_ms && now_ms < l->read_ms + LOAD_INTERVAL_MS)
		return;
	l->read_ms = now_ms;
	machine_inventory_read_load(&l->available_mib, &l->load_milli, root);
}

#define CPU_DIR "/sys/devices/system/cpu"

/* From arch/arm64/include/asm/cputype.h and arch/arm/include/asm/cputype.h. */
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

static char *arm_model(const char *block)
{
	const char *who = machine_sys_find_value(block, "CPU implementer");
	const char *what = machine_sys_find_value(block, "CPU part");
	unsigned long implementer, part;

	if (!who || !what)
		return NULL;
	implementer = strtoul(who, NULL, 0);
	part = strtoul(what, NULL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(arm_parts); i++) {
		if (arm_parts[i].implementer == implementer &&
		    arm_parts[i].part == part)
			return xstrdup(arm_parts[i].name);
	}
	return xasprintf("ARM part 0x%02lx/0x%03lx", implementer, part);
}

/*
 * Return the CPU model in a block of /proc/cpuinfo: the name of the ARM part,
 * otherwise "model name" (x86 and others), "uarch" (RISC-V) or "cpu".
 */
static char *read_cpu_model(const char *block)
{
	static const char *const names[] = { "model name", "uarch", "cpu" };
	char *arm = arm_model(block);

	for (size_t i = 0; !arm && i < ARRAY_SIZE(names); i++) {
		const char *at = machine_sys_find_value(block, names[i]);

		size_t n = at ? strcspn(at, "\n") : 0;

		if (at)
			return xstrndup(
				at, n < WIRE_MODEL_MAX ? n : WIRE_MODEL_MAX);
	}
	return arm ? arm : xstrdup("");
}

/*
 * Return an array with the model of each CPU, indexed by CPU number.  In
 * /proc/cpuinfo, the block of each CPU begins with "processor".
 */
static char **read_models(const char *root)
{
	char **models = xcalloc(MACHINE_CPUS_MAX, sizeof(*models));
	char *text = machine_sys_read_text(root, "/proc/cpuinfo"), *at = text;

	while (at) {
		char *end = strstr(at, "\n\n");
		const char *line;
		int64_t cpu;

		if (end)
			*end = '\0';
		line = machine_sys_find_value(at, "processor");
		cpu = line ? strtoll(line, NULL, 10) : -1;
		if (cpu >= 0 && cpu < MACHINE_CPUS_MAX && !models[cpu])
			models[cpu] = read_cpu_model(at);
		at = end ? end + 2 : NULL;
	}
	free(text);
	return models;
}

static uint32_t read_bounded_number(const char *root, unsigned cpu,
				    const char *name, int64_t most)
{
	int64_t value = 0;

	if (!machine_sys_read_number(root, &value, CPU_DIR "/cpu%u/%s", cpu,
				     name) ||
	    value < 0 || value > most)
		return 0;
	return (uint32_t)value;
}

static struct wire_core_class read_cpu(const char *root, unsigned cpu,
				       const char *model)
{
	char *governor = machine_sys_read_text(
		root, CPU_DIR "/cpu%u/cpufreq/scaling_governor", cpu);
	char *text = machine_sys_read_text(
		root, CPU_DIR "/cpu%u/topology/thread_siblings_list", cpu);
	struct machine_cpus siblings;
	unsigned n_threads = 0;

	if (text && machine_cpus_parse(&siblings, text))
		n_threads = machine_cpus_count(&siblings);
	free(text);
	return (struct wire_core_class){
		.model = xstrdup(model ? model : ""),
		.governor = governor ? governor : xstrdup(""),
		.threads_per_core = (uint16_t)(n_threads ? n_threads : 1),
		.capacity = (uint16_t)read_bounded_number(root, cpu,
							  "cpu_capacity", 1024),
		.max_khz = read_bounded_number(
			root, cpu, "cpufreq/cpuinfo_max_freq", UINT32_MAX - 1),
	};
}

bool machine_is_same_class(const struct wire_core_class *a,
			   const struct wire_core_class *b)
{
	return !strcmp(a->model, b->model) &&
	       !strcmp(a->governor, b->governor) &&
	       a->threads_per_core == b->threads_per_core &&
	       a->capacity == b->capacity && a->max_khz == b->max_khz;
}

/* A CPU class that is still being collected. */
struct cpu_class {
	struct wire_core_class class;
	struct machine_cpus cpus;
};

static void add_cpu_to_class(struct cpu_class *all, uint8_t *n,
			     struct wire_core_class *is, unsigned cpu,
			     bool usable)
{
	struct cpu_class *f = NULL;

	for (unsigned i = 0; !f && i < *n; i++) {
		if (machine_is_same_class(&all[i].class, is))
			f = &all[i];
	}
	if (!f && *n == WIRE_CLASSES_MAX)
		f = &all[WIRE_CLASSES_MAX - 1];
	if (!f) {
		f = &all[(*n)++];
		f->class = *is;
	} else {
		free(is->model);
		free(is->governor);
	}
	f->class.n_cpus++;
	f->class.n_usable = (uint16_t)(f->class.n_usable + usable);
	machine_cpus_add(&f->cpus, cpu);
}

static int compare_classes(const void *a, const void *b)
{
	const struct wire_core_class *x = &((const struct cpu_class *)a)->class;
	const struct wire_core_class *y = &((const struct cpu_class *)b)->class;

	if (x->capacity != y->capacity)
		return x->capacity > y->capacity ? -1 : 1;
	if (x->max_khz != y->max_khz)
		return x->max_khz > y->max_khz ? -1 : 1;
	return strcmp(x->model, y->model);
}

/*
 * Set the CPU classes of `m`, sorted by descending capacity, then by descending
 * clock.  Once WIRE_CLASSES_MAX classes exist, CPUs of other classes are added
 * to the newest class.  If `cpus` is not NULL, *cpus receives an array with the
 * CPUs of each class, which the caller frees.
 */
static void read_core_classes(struct wire_machine *m,
			      struct machine_cpus **cpus, const char *root)
{
	struct cpu_class *all = xcalloc(WIRE_CLASSES_MAX, sizeof(*all));
	char **models = read_models(root);
	struct machine_cpus present, usable;

	machine_cpus_read_present(&present, root);
	machine_cpus_read_usable(&usable, root);
	for (unsigned cpu = 0; cpu < MACHINE_CPUS_MAX; cpu++) {
		struct wire_core_class one;

		if (!machine_cpus_has(&present, cpu))
			continue;
		/* An offline CPU is not in /proc/cpuinfo: its model is NULL. */
		one = read_cpu(root, cpu, models[cpu]);
		add_cpu_to_class(all, &m->n_classes, &one, cpu,
				 machine_cpus_has(&usable, cpu));
	}
	qsort(all, m->n_classes, sizeof(*all), compare_classes);
	m->classes = xcalloc(m->n_classes + 1u, sizeof(*m->classes));
	if (cpus)
		*cpus = xcalloc(m->n_classes + 1u, sizeof(**cpus));
	for (unsigned i = 0; i < m->n_classes; i++) {
		m->classes[i] = all[i].class;
		if (cpus)
			(*cpus)[i] = all[i].cpus;
	}
	free(all);
	for (unsigned cpu = 0; cpu < MACHINE_CPUS_MAX; cpu++)
		free(models[cpu]);
	free(models);
}

#define ID_DIGITS   32 /* hexadecimal digits of a machine-id */
#define ETHERNET    1 /* ARPHRD_ETHER */
#define MULTICAST   (1ull << 40) /* multicast bit; 0 in a card's address */
#define NO_MAC      0
#define THERMAL_DIR "/sys/class/thermal"
/* Thousandths of a degree; larger values are not trip points. */
#define TRIP_POINT_MAX_MC 200000

/*
 * Return the model of the machine, which is in the device tree of a board or in
 * the DMI tables of a PC.  The caller frees the text.
 */
static char *read_model(const char *root)
{
	char *model = machine_sys_read_text(root, "/proc/device-tree/model");
	char *vendor, *name;

	if (model)
		return model;
	vendor = machine_sys_read_text(root, "/sys/class/dmi/id/sys_vendor");
	name = machine_sys_read_text(root, "/sys/class/dmi/id/product_name");
	if (name && vendor && *vendor)
		model = xasprintf("%s %s", vendor, name);
	else
		model = xstrdup(name ? name : "");
	free(vendor);
	free(name);
	return model;
}

static void read_machine_id(struct digest *out, const char *root)
{
	static const char salt[] = "kfarm";
	char *id = machine_sys_read_text(root, "/etc/machine-id");
	struct digest_ctx *run;

	if (!id)
		id = machine_sys_read_text(root, "/var/lib/dbus/machine-id");
	/* machine-id(5): "uninitialized" is not an id. */
	if (id && strlen(id) == ID_DIGITS &&
	    strspn(id, "0123456789abcdef") == ID_DIGITS) {
		run = digest_new();
		digest_add(run, bytes_str(salt));
		digest_add(run, bytes_str(id));
		digest_finish(run, out);
	}
	free(id);
}

/*
 * List the ABIs whose programs this machine runs, under the names of
 * kernel.org's compilers (compiler/host.h).
 */
static void read_abis(struct strv *out, const char *root)
{
	static const struct {
		const char *machine, *own, *narrow, *sign;
	} known[] = {
		{ "x86_64", "x86_64", "i686", "vsyscall32" },
		{ "aarch64", "arm64", "arm", "cp15_barrier" },
		{ "armv8l", "arm", NULL, NULL },
		{ "armv7l", "arm", NULL, NULL },
		{ "armv6l", "arm", NULL, NULL },
		{ "i386", "i686", NULL, NULL },
		{ "i486", "i686", NULL, NULL },
		{ "i586", "i686", NULL, NULL },
	};
	char *machine = read_uname(root, "arch");
	const char *own = machine, *narrow = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcmp(known[i].machine, machine))
			continue;
		own = known[i].own;
		if (known[i].sign &&
		    machine_sys_exists(root, "/proc/sys/abi/%s", known[i].sign))
			narrow = known[i].narrow;
	}
	if (wire_host_is_valid(own))
		strv_add(out, own);
	if (narrow)
		strv_add(out, narrow);
	free(machine);
}

/*
 * Parse six pairs of hexadecimal digits separated by colons.  Returns NO_MAC on
 * failure and for a multicast address.
 */
static uint64_t parse_mac(const char *text)
{
	uint64_t mac = 0;

	for (int i = 0; i < 6; i++, text += 3) {
		int high = str_hex_digit(text[0]);
		int low = high < 0 ? -1 : str_hex_digit(text[1]);

		if (low < 0 || text[2] != (i < 5 ? ':' : '\0'))
			return NO_MAC;
		mac = mac << 8 | (unsigned)(high << 4 | low);
	}
	return mac & MULTICAST ? NO_MAC : mac;
}

static int compare_macs(const void *a, const void *b)
{
	const struct wire_mac *x = a, *y = b;

	return x->mac < y->mac ? -1 : x->mac > y->mac;
}

static bool has_mac(const struct wire_machine *m, uint64_t mac)
{
	for (unsigned i = 0; i < m->n_macs; i++) {
		if (m->macs[i].mac == mac)
			return true;
	}
	return false;
}

/*
 * Read the MAC addresses of the network cards.  An interface without a `device`
 * link, such as a bridge or a container's interface, is skipped, because its
 * address is generated.
 */
static void read_macs(struct wire_machine *m, const char *root)
{
	struct strv cards = { 0 };

	machine_sys_list_dir(root, "/sys/class/net", "", &cards);
	for (size_t i = 0; i < cards.n && m->n_macs < WIRE_MACS_MAX; i++) {
		const char *card = cards.v[i];
		char *text = machine_sys_read_text(
			root, "/sys/class/net/%s/address", card);
		uint64_t mac = NO_MAC;
		int64_t type = 0;

		if (text &&
		    machine_sys_exists(root, "/sys/class/net/%s/device",
				       card) &&
		    machine_sys_read_number(root, &type,
					    "/sys/class/net/%s/type", card) &&
		    type == ETHERNET)
			mac = parse_mac(text);
		free(text);
		if (mac != NO_MAC && !has_mac(m, mac))
			VEC_ADD(m->macs, m->n_macs)->mac = mac;
	}
	if (m->n_macs)
		qsort(m->macs, m->n_macs, sizeof(*m->macs), compare_macs);
	strv_release(&cards);
}

/*
 * Set m->passive_mk to the lowest passive trip point of all thermal zones.  At
 * this temperature, the kernel begins to slow down CPUs.
 */
static void read_passive(struct wire_machine *m, const char *root)
{
	struct strv zones = { 0 };
	char *type;

	m->passive_mk = WIRE_HEALTH_UNKNOWN;
	machine_sys_list_dir(root, THERMAL_DIR, "thermal_zone", &zones);
	for (size_t z = 0; z < zones.n; z++) {
		for (int i = 0;; i++) {
			bool passive;
			int64_t mc;

			type = machine_sys_read_text(
				root, THERMAL_DIR "/%s/trip_point_%d_type",
				zones.v[z], i);
			if (!type)
				break;
			passive = !strcmp(type, "passive");
			free(type);
			if (!passive ||
			    !machine_sys_read_number(root, &mc,
						     THERMAL_DIR
						     "/%s/trip_point_%d_temp",
						     zones.v[z], i))
				continue;
			mc = machine_sys_to_millicelsius(mc);
			if (mc > 0 && mc <= TRIP_POINT_MAX_MC &&
			    mc + WIRE_ZERO_CELSIUS_MK < m->passive_mk)
				m->passive_mk = (uint32_t)mc +
						WIRE_ZERO_CELSIUS_MK;
		}
	}
	strv_release(&zones);
}

void machine_collect(struct wire_machine *m, struct machine_cpus **cpus,
		     const char *root)
{
	char *meminfo = machine_sys_read_text(root, "/proc/meminfo");
	struct machine_cgroup cg;
	struct timespec now;

	machine_cgroup_read(&cg, root);
	clock_gettime(CLOCK_REALTIME, &now);
	*m = (struct wire_machine){
		.model = read_model(root),
		.kernel = read_uname(root, "osrelease"),
		.clock_ms = now.tv_sec > 0 ?
				    (uint64_t)now.tv_sec * 1000 +
					    (uint64_t)now.tv_nsec / 1000000 :
				    0,
		.cpu_milli = cg.cpu_milli,
		.memory_mib = to_mib(meminfo_bytes(meminfo, "MemTotal")),
		.swap_mib = to_mib(meminfo_bytes(meminfo, "SwapTotal")),
		.health = wire_health_unknown,
	};
	free(meminfo);
	/* A cgroup limit at or above the physical memory is not a limit. */
	if (cg.memory_bytes >> 20 < m->memory_mib)
		m->limit_mib = (uint32_t)(cg.memory_bytes >> 20);
	read_machine_id(&m->machine_id, root);
	read_abis(&m->abis, root);
	read_core_classes(m, cpus, root);
	read_macs(m, root);
	read_passive(m, root);
}
