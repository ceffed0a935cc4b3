/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/duplicates.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

/* Return the first MAC address that both machines have, or 0. */
static uint64_t common_mac(const struct wire_machine *a,
			   const struct wire_machine *b)
{
	/* Both lists are sorted. */
	for (unsigned i = 0, k = 0; i < a->n_macs && k < b->n_macs;) {
		uint64_t mac_a = a->macs[i].mac, mac_b = b->macs[k].mac;

		if (mac_a == mac_b && mac_a)
			return mac_a;
		i += mac_a <= mac_b;
		k += mac_b <= mac_a;
	}
	return 0;
}

enum node_duplicate node_duplicates_compare(
	const struct node_duplicates_identity *a,
	const struct node_duplicates_identity *b)
{
	/* Different boot ids prove that there are two machines. */
	bool one = !a->boot_id || !*a->boot_id || !b->boot_id || !*b->boot_id ||
		   !strcmp(a->boot_id, b->boot_id);

	if (digest_is_set(a->key) && digest_equal(a->key, b->key))
		return one ? NODE_DUPLICATE_MACHINE : NODE_DUPLICATE_KEY;
	if (one)
		return NODE_DUPLICATE_NONE;
	if (digest_is_set(&a->machine->machine_id) &&
	    digest_equal(&a->machine->machine_id, &b->machine->machine_id))
		return NODE_DUPLICATE_MACHINE_ID;
	return common_mac(a->machine, b->machine) ? NODE_DUPLICATE_MAC :
						    NODE_DUPLICATE_NONE;
}

bool node_duplicates_exclude_both(enum node_duplicate clash)
{
	return clash == NODE_DUPLICATE_KEY;
}

bool node_duplicates_exclude_later(enum node_duplicate clash)
{
	return clash == NODE_DUPLICATE_MACHINE;
}

static char *mac_text(uint64_t mac)
{
	return xasprintf(
		"%02x:%02x:%02x:%02x:%02x:%02x", (unsigned)(mac >> 40) & 255,
		(unsigned)(mac >> 32) & 255, (unsigned)(mac >> 24) & 255,
		(unsigned)(mac >> 16) & 255, (unsigned)(mac >> 8) & 255,
		(unsigned)mac & 255);
}

static char *describe_duplicate_mac(const struct node_duplicates_identity *a,
				    const struct node_duplicates_identity *b)
{
	char *shared = mac_text(common_mac(a->machine, b->machine));
	/*
	 * Suggest a new MAC address for `b`.  The second bit of its first byte
	 * marks it as locally administered (IEEE 802, 8.4); the other bytes are
	 * the start of a digest of the node's name.
	 */
	uint64_t mac = 0x02;
	struct digest name;
	char *own, *words;

	digest_bytes(bytes_str(b->name), &name);
	for (int i = 0; i < 5; i++)
		mac = mac << 8 | name.b[i];
	own = mac_text(mac);
	words = xasprintf(
		"%s and %s have the same MAC address %s and cannot share a "
		"network; on %s, run as root: `printf "
		"'[Match]\\nMACAddress=%s\\n[Link]\\nMACAddress=%s\\n' "
		">/etc/systemd/network/10-mac.link`, or `setenv ethaddr %s; "
		"saveenv` in its U-Boot, and reboot it",
		a->name, b->name, shared, b->name, shared, own, own);

	free(shared);
	free(own);
	return words;
}

char *node_duplicates_describe(enum node_duplicate clash,
			       const struct node_duplicates_identity *a,
			       const struct node_duplicates_identity *b)
{
	switch (clash) {
	case NODE_DUPLICATE_NONE:
		return xstrdup("");
	case NODE_DUPLICATE_MAC:
		return describe_duplicate_mac(a, b);
	case NODE_DUPLICATE_MACHINE_ID:
		return xasprintf(
			"%s and %s have the same machine id (copied disk?); on "
			"%s, run as root: `rm -f /etc/machine-id "
			"/var/lib/dbus/machine-id; systemd-machine-id-setup`, "
			"and reboot it",
			a->name, b->name, b->name);
	case NODE_DUPLICATE_MACHINE:
		return xasprintf("%s and %s are the same machine; run `kfarm "
				 "nodes remove --keep %s`",
				 a->name, b->name, b->name);
	case NODE_DUPLICATE_KEY:
		return xasprintf("%s and %s are two machines with the same key "
				 "(copied disk?); run `kfarm nodes rekey %s`",
				 a->name, b->name, b->name);
	}
	return NULL;
}

char *node_duplicates_find_worst(const struct node_duplicates_identity *v,
				 size_t n, size_t i, bool *excluded)
{
	enum node_duplicate worst = NODE_DUPLICATE_NONE;
	size_t with = i;

	*excluded = false;
	for (size_t k = 0; k < n; k++) {
		enum node_duplicate clash = k == i ? NODE_DUPLICATE_NONE :
						     node_duplicates_compare(
							     &v[i], &v[k]);

		*excluded |= node_duplicates_exclude_both(clash) ||
			     (k < i && node_duplicates_exclude_later(clash));
		if (clash > worst) {
			worst = clash;
			with = k;
		}
	}
	if (worst == NODE_DUPLICATE_NONE)
		return NULL;
	return node_duplicates_describe(worst, &v[i < with ? i : with],
					&v[i < with ? with : i]);
}
