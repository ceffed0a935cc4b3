/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/machine.h"

#include "base/vec.h"
#include "node/cgroup.h"
#include "node/cores.h"
#include "node/inventory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ID_DIGITS   32 /* of a machine-id */
#define ETHERNET    1 /* ARPHRD_ETHER */
#define MULTICAST   (1ull << 40) /* of a MAC: it is of no card */
#define NO_MAC      0
#define THERMAL_DIR "/sys/class/thermal"
#define HEAT_MOST   200000 /* thousandths of a degree; more is no trip point */

static char *model_of_dmi(const char *root)
{
	char *vendor = node_sys_text(root, "/sys/class/dmi/id/sys_vendor");
	char *name = node_sys_text(root, "/sys/class/dmi/id/product_name");
	char *model = NULL;

	if (name && vendor && *vendor)
		model = xasprintf("%s %s", vendor, name);
	else if (name)
		model = xstrdup(name);
	free(vendor);
	free(name);
	return model;
}

static char *read_model(const char *root)
{
	char *model = node_sys_text(root, "/proc/device-tree/model");

	if (!model)
		model = model_of_dmi(root);
	return model ? model : xstrdup("");
}

static void read_machine_id(struct digest *out, const char *root)
{
	static const char salt[] = "kfarm";
	char *id = node_sys_text(root, "/etc/machine-id");
	struct digest_run *run;

	if (!id)
		id = node_sys_text(root, "/var/lib/dbus/machine-id");
	/* machine-id(5): "uninitialized" is the id of no machine. */
	if (id && strlen(id) == ID_DIGITS &&
	    strspn(id, "0123456789abcdef") == ID_DIGITS) {
		run = digest_new();
		digest_add(run, bytes_str(salt));
		digest_add(run, bytes_str(id));
		digest_end(run, out);
	}
	free(id);
}

static uint64_t real_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec > 0 ? (uint64_t)now.tv_sec * 1000 +
					(uint64_t)now.tv_nsec / 1000000 :
				0;
}

/* In the names of kernel.org's compilers, as compiler/host.h has them. */
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
	char *machine = node_sys_name(root, "arch");
	const char *own = machine, *narrow = NULL;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strcmp(known[i].machine, machine))
			continue;
		own = known[i].own;
		if (known[i].sign &&
		    node_sys_exists(root, "/proc/sys/abi/%s", known[i].sign))
			narrow = known[i].narrow;
	}
	if (wire_host_ok(own))
		strv_add(out, own);
	if (narrow)
		strv_add(out, narrow);
	free(machine);
}

/* Six pairs of digits with colons between them, else NO_MAC. */
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

/* Of a card: what bridges, containers and the like have is made up. */
static uint64_t read_mac(const char *root, const char *card)
{
	char *text = node_sys_text(root, "/sys/class/net/%s/address", card);
	uint64_t mac = NO_MAC;
	int64_t type = 0;

	if (text && node_sys_exists(root, "/sys/class/net/%s/device", card) &&
	    node_sys_number(root, &type, "/sys/class/net/%s/type", card) &&
	    type == ETHERNET)
		mac = parse_mac(text);
	free(text);
	return mac;
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

static void read_macs(struct wire_machine *m, const char *root)
{
	struct strv cards = { 0 };

	node_sys_list(root, "/sys/class/net", "", &cards);
	for (size_t i = 0; i < cards.n && m->n_macs < WIRE_MACS; i++) {
		uint64_t mac = read_mac(root, cards.v[i]);

		if (mac != NO_MAC && !has_mac(m, mac))
			VEC_ADD(m->macs, m->n_macs)->mac = mac;
	}
	if (m->n_macs)
		qsort(m->macs, m->n_macs, sizeof(*m->macs), compare_macs);
	strv_release(&cards);
}

static void add_passive(struct wire_machine *m, int64_t mc)
{
	if (mc > 0 && mc <= HEAT_MOST && mc + WIRE_HEALTH_ZERO < m->passive_mk)
		m->passive_mk = (uint32_t)mc + WIRE_HEALTH_ZERO;
}

/* The lowest passive trip point of a zone is where it begins to slow CPUs. */
static void read_trips(struct wire_machine *m, const char *root,
		       const char *zone)
{
	char *type;

	for (int i = 0;; i++) {
		bool passive;
		int64_t mc;

		type = node_sys_text(root, THERMAL_DIR "/%s/trip_point_%d_type",
				     zone, i);
		if (!type)
			break;
		passive = !strcmp(type, "passive");
		free(type);
		if (passive &&
		    node_sys_number(root, &mc,
				    THERMAL_DIR "/%s/trip_point_%d_temp", zone,
				    i))
			add_passive(m, node_sys_heat(mc));
	}
}

static void read_passive(struct wire_machine *m, const char *root)
{
	struct strv zones = { 0 };

	m->passive_mk = WIRE_HEALTH_UNKNOWN;
	node_sys_list(root, THERMAL_DIR, "thermal_zone", &zones);
	for (size_t i = 0; i < zones.n; i++)
		read_trips(m, root, zones.v[i]);
	strv_release(&zones);
}

void node_machine_collect(struct wire_machine *m, struct node_cpus **cpus,
			  const char *root)
{
	struct node_cgroup cg;

	node_cgroup_read(&cg, root);
	*m = (struct wire_machine){
		.model = read_model(root),
		.kernel = node_sys_name(root, "osrelease"),
		.clock_ms = real_ms(),
		.cpu_milli = cg.cpu_milli,
		.memory_mib = node_inventory_mib(root, "MemTotal"),
		.swap_mib = node_inventory_mib(root, "SwapTotal"),
		.health = wire_health_unknown,
	};
	/* One that is no less than all there is is none. */
	if (cg.memory >> 20 < m->memory_mib)
		m->limit_mib = (uint32_t)(cg.memory >> 20);
	read_machine_id(&m->id, root);
	read_abis(&m->abis, root);
	node_cores_read(m, cpus, root);
	read_macs(m, root);
	read_passive(m, root);
}
