/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/identity.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

/* The first MAC address that both have; 0: none. */
static uint64_t common_mac(const struct wire_machine *a,
			   const struct wire_machine *b)
{
	/* Both lists ascend. */
	for (unsigned i = 0, k = 0; i < a->n_macs && k < b->n_macs;) {
		uint64_t ours = a->macs[i].mac, theirs = b->macs[k].mac;

		if (ours == theirs && ours)
			return ours;
		i += ours <= theirs;
		k += theirs <= ours;
	}
	return 0;
}

static bool shows_same_key(const struct node_identity *a,
			   const struct node_identity *b)
{
	return digest_is_known(a->key) && digest_equal(a->key, b->key);
}

/* True: it is not known that they are two. */
static bool may_be_one_boot(const struct node_identity *a,
			    const struct node_identity *b)
{
	return !a->boot_id || !*a->boot_id || !b->boot_id || !*b->boot_id ||
	       !strcmp(a->boot_id, b->boot_id);
}

enum node_clash node_identity_clash(const struct node_identity *a,
				    const struct node_identity *b)
{
	bool one = may_be_one_boot(a, b);

	if (shows_same_key(a, b))
		return one ? NODE_CLASH_TWICE : NODE_CLASH_KEY;
	if (one)
		return NODE_CLASH_NONE;
	if (digest_is_known(&a->machine->id) &&
	    digest_equal(&a->machine->id, &b->machine->id))
		return NODE_CLASH_ID;
	return common_mac(a->machine, b->machine) ? NODE_CLASH_MAC :
						    NODE_CLASH_NONE;
}

bool node_identity_bars_both(enum node_clash clash)
{
	return clash == NODE_CLASH_KEY;
}

bool node_identity_bars_later(enum node_clash clash)
{
	return clash == NODE_CLASH_TWICE;
}

static char *mac_text(uint64_t mac)
{
	return xasprintf(
		"%02x:%02x:%02x:%02x:%02x:%02x", (unsigned)(mac >> 40) & 255,
		(unsigned)(mac >> 32) & 255, (unsigned)(mac >> 24) & 255,
		(unsigned)(mac >> 16) & 255, (unsigned)(mac >> 8) & 255,
		(unsigned)mac & 255);
}

/*
 * An address for `name` that nobody else has: locally administered (IEEE 802,
 * 8.4: the second bit of the first byte), the rest by chance of the name.
 */
static uint64_t own_mac(const char *name)
{
	uint64_t mac = 0x02;
	struct digest d;

	digest_of(bytes_str(name), &d);
	for (int i = 0; i < 5; i++)
		mac = mac << 8 | d.b[i];
	return mac;
}

static char *mac_words(const struct node_identity *a,
		       const struct node_identity *b)
{
	char *shared = mac_text(common_mac(a->machine, b->machine));
	char *own = mac_text(own_mac(b->name));
	char *words = xasprintf(
		"%s and %s have the same MAC address %s, so that one network "
		"cannot hold both; on %s, as root: `printf "
		"'[Match]\\nMACAddress=%s\\n[Link]\\nMACAddress=%s\\n' "
		">/etc/systemd/network/10-mac.link`, or `setenv ethaddr %s; "
		"saveenv` in its U-Boot, and start it anew",
		a->name, b->name, shared, b->name, shared, own, own);

	free(shared);
	free(own);
	return words;
}

char *node_identity_words(enum node_clash clash, const struct node_identity *a,
			  const struct node_identity *b)
{
	switch (clash) {
	case NODE_CLASH_NONE:
		return xstrdup("");
	case NODE_CLASH_MAC:
		return mac_words(a, b);
	case NODE_CLASH_ID:
		return xasprintf(
			"%s and %s have the same machine id, as after copying "
			"a disk; on %s, as root: `rm -f /etc/machine-id "
			"/var/lib/dbus/machine-id; systemd-machine-id-setup`, "
			"and start it anew",
			a->name, b->name, b->name);
	case NODE_CLASH_TWICE:
		return xasprintf("%s and %s are one machine: `kfarm nodes "
				 "remove --keep %s`",
				 a->name, b->name, b->name);
	case NODE_CLASH_KEY:
		return xasprintf("%s and %s are two machines with one key, as "
				 "after copying a disk: `kfarm nodes rekey %s`",
				 a->name, b->name, b->name);
	}
	return NULL;
}

char *node_identity_among(const struct node_identity *v, size_t n, size_t i,
			  bool *bars)
{
	enum node_clash worst = NODE_CLASH_NONE;
	size_t with = i;

	*bars = false;
	for (size_t k = 0; k < n; k++) {
		enum node_clash clash = k == i ? NODE_CLASH_NONE :
						 node_identity_clash(&v[i],
								     &v[k]);

		*bars |= node_identity_bars_both(clash) ||
			 (k < i && node_identity_bars_later(clash));
		if (clash > worst) {
			worst = clash;
			with = k;
		}
	}
	if (worst == NODE_CLASH_NONE)
		return NULL;
	return node_identity_words(worst, &v[i < with ? i : with],
				   &v[i < with ? with : i]);
}
