/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: node */
#include "../lib/test.h"

#include "node/duplicates.h"

#define MACS_MAX 3

/*
 * A board.  Letters stand for keys, boot ids and machine ids.  '-' means that
 * the board has no such key or id.
 */
struct board {
	const char *ids; /* "K b I": key, boot id, machine id */
	uint64_t mac[MACS_MAX]; /* ascending; ends with 0 */
};

struct sample {
	struct digest key;
	char boot_id[2];
	struct wire_machine machine;
	struct wire_mac macs[MACS_MAX];
	struct node_duplicates_identity identity;
};

static void set_letter(struct digest *d, char letter)
{
	*d = (struct digest){ 0 };
	if (letter != '-')
		digest_bytes(bytes_of(&letter, 1), d);
}

static void init_sample(struct sample *k, const char *name,
			const struct board *b)
{
	*k = (struct sample){ 0 };
	set_letter(&k->key, b->ids[0]);
	if (b->ids[2] != '-')
		k->boot_id[0] = b->ids[2];
	set_letter(&k->machine.machine_id, b->ids[4]);
	for (int i = 0; i < MACS_MAX && b->mac[i]; i++)
		k->macs[k->machine.n_macs++].mac = b->mac[i];
	k->machine.macs = k->macs;
	k->identity = (struct node_duplicates_identity){
		.name = name,
		.key = &k->key,
		.boot_id = k->boot_id,
		.machine = &k->machine
	};
}

static const struct pair {
	struct board a, b;
	enum node_duplicate duplicate;
} pairs[] = {
	/* Two boards, and two with little information. */
	{ { "K b I", { 1, 2 } }, { "L c J", { 3 } }, NODE_DUPLICATE_NONE },
	{ { "- b -", { 0 } }, { "- c -", { 0 } }, NODE_DUPLICATE_NONE },
	{ { "- - -", { 0 } }, { "- - -", { 0 } }, NODE_DUPLICATE_NONE },
	/* A copied flash card, unchanged and with a new key. */
	{ { "K b I", { 1 } }, { "K c I", { 2 } }, NODE_DUPLICATE_KEY },
	{ { "K b I", { 1 } }, { "K c J", { 1 } }, NODE_DUPLICATE_KEY },
	{ { "K b I", { 1 } }, { "L c I", { 1 } }, NODE_DUPLICATE_MACHINE_ID },
	{ { "- b I", { 1 } }, { "- c I", { 2 } }, NODE_DUPLICATE_MACHINE_ID },
	{ { "K b I", { 1 } }, { "- c I", { 2 } }, NODE_DUPLICATE_MACHINE_ID },
	/* Boards with the same MAC address from the vendor. */
	{ { "K b I", { 1, 5, 9 } }, { "L c J", { 2, 5 } }, NODE_DUPLICATE_MAC },
	{ { "K b -", { 7 } }, { "L c -", { 1, 2, 7 } }, NODE_DUPLICATE_MAC },
	/* One machine twice, or with containers. */
	{ { "K b I", { 1 } }, { "K b I", { 1 } }, NODE_DUPLICATE_MACHINE },
	{ { "K - I", { 1 } }, { "K c I", { 1 } }, NODE_DUPLICATE_MACHINE },
	{ { "K b I", { 1 } }, { "L b I", { 1 } }, NODE_DUPLICATE_NONE },
	{ { "- b I", { 1 } }, { "- b I", { 1 } }, NODE_DUPLICATE_NONE },
	/* An old kfarmd reports no ids. */
	{ { "K b I", { 1 } }, { "L - I", { 1 } }, NODE_DUPLICATE_NONE },
};

TEST_EACH(duplicates_are_classified_regardless_of_order, pairs)
{
	struct sample a, b;

	init_sample(&a, "a", &row->a);
	init_sample(&b, "b", &row->b);
	ck_assert_int_eq(node_duplicates_compare(&a.identity, &b.identity),
			 row->duplicate);
	ck_assert_int_eq(node_duplicates_compare(&b.identity, &a.identity),
			 row->duplicate);
}

TEST(only_duplicate_keys_and_machines_exclude_nodes)
{
	for (int i = NODE_DUPLICATE_NONE; i <= NODE_DUPLICATE_KEY; i++) {
		enum node_duplicate duplicate = (enum node_duplicate)i;

		ck_assert_int_eq(node_duplicates_exclude_both(duplicate),
				 duplicate == NODE_DUPLICATE_KEY);
		ck_assert_int_eq(node_duplicates_exclude_later(duplicate),
				 duplicate == NODE_DUPLICATE_MACHINE);
	}
}

static const char *const descriptions[] = {
	[NODE_DUPLICATE_NONE] = "",
	[NODE_DUPLICATE_MAC] =
		"neo4a and neo4b have the same MAC address 02:ab:00:00:00:01 "
		"and cannot share a network; on neo4b, run as root: "
		"`printf '[Match]\\nMACAddress=02:ab:00:00:00:01\\n[Link]\\n"
		"MACAddress=02:f8:06:ee:6b:c6\\n' "
		">/etc/systemd/network/10-mac.link`, or `setenv ethaddr "
		"02:f8:06:ee:6b:c6; saveenv` in its U-Boot, and reboot it",
	[NODE_DUPLICATE_MACHINE_ID] =
		"neo4a and neo4b have the same machine id (copied disk?); "
		"on neo4b, run as root: `rm -f /etc/machine-id "
		"/var/lib/dbus/machine-id; systemd-machine-id-setup`, and "
		"reboot it",
	[NODE_DUPLICATE_MACHINE] =
		"neo4a and neo4b are the same machine; run `kfarm nodes "
		"remove --keep neo4b`",
	[NODE_DUPLICATE_KEY] =
		"neo4a and neo4b are two machines with the same key "
		"(copied disk?); run `kfarm nodes rekey neo4b`",
};

TEST_EACH(a_duplicate_is_described_with_a_remedy, descriptions)
{
	static const struct board one = { "K b I", { 0x02ab00000001 } };
	struct sample a, b;
	char *text;

	init_sample(&a, "neo4a", &one);
	init_sample(&b, "neo4b", &one);
	text = node_duplicates_describe((enum node_duplicate)_i, &a.identity,
					&b.identity);
	ck_assert_str_eq(text, *row);
	free(text);
}

TEST(the_worst_duplicate_of_several_nodes_is_reported)
{
	static const struct board boards[] = {
		{ "K b I", { 1 } }, { "L c I", { 2 } }, { "K d J", { 3 } },
		{ "M e N", { 4 } }, { "M e N", { 4 } },
	};
	static const char *const names[] = { "a", "b", "c", "d", "e" };
	static const char same_key[] =
		"a and c are two machines with the same key (copied disk?); "
		"run `kfarm nodes rekey c`";
	static const char same_machine[] =
		"d and e are the same machine; run `kfarm nodes remove --keep "
		"e`";
	static const char *const want[] = {
		same_key,
		"a and b have the same machine id (copied disk?); on b, run as "
		"root: `rm -f /etc/machine-id /var/lib/dbus/machine-id; "
		"systemd-machine-id-setup`, and reboot it",
		same_key,
		same_machine,
		same_machine,
	};
	static const bool excluded[] = { true, false, true, false, true };
	struct node_duplicates_identity v[5];
	struct sample sample[5];

	for (size_t i = 0; i < 5; i++) {
		init_sample(&sample[i], names[i], &boards[i]);
		v[i] = sample[i].identity;
	}
	for (size_t i = 0; i < 5; i++) {
		bool excludes;
		char *text = node_duplicates_find_worst(v, 5, i, &excludes);

		ck_assert_str_eq(text, want[i]);
		ck_assert_int_eq(excludes, excluded[i]);
		free(text);
		/* A single node is never a duplicate. */
		ck_assert_ptr_null(
			node_duplicates_find_worst(v + i, 1, 0, &excludes));
		ck_assert(!excludes);
	}
}
