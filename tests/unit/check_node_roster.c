/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: node */
#include "../lib/test.h"

#include "node/roster.h"

#include "conf/conf.h"
#include "node/pool.h"
#include "tls/key.h"

#define PIN "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"

static char file[] = "/tmp/check-roster-XXXXXX";

static void set_up(void)
{
	int fd;

	strcpy(file + sizeof(file) - 7, "XXXXXX");
	fd = mkstemp(file);
	ck_assert_int_ge(fd, 0);
	close(fd);
	setenv("KFARM_CONFIG", file, 1);
}

static void tear_down(void)
{
	unlink(file);
}

static int load(struct node_roster *r, const char *text, struct err *err)
{
	struct conf *c = NULL;
	int ret;

	ck_assert_int_eq(fs_write(file, bytes_str(text), 0600, err), 0);
	if (conf_load(&c, NULL, err))
		ck_abort_msg("%s", err->text);
	ret = node_roster_load(r, c, err);
	conf_free(c);
	return ret;
}

FIXTURE(set_up, tear_down);

TEST(load_keeps_order_and_fills_in_defaults)
{
	struct node_roster r;
	struct err err = { 0 };

	must(load(&r,
		  "[node \"z\"]\naddress=unix:/z\nslots=4\n"
		  "codec=zstd\n[node \"A.b-c_1\"]\n"
		  "address=ssh:u@h\n",
		  &err));
	ck_assert_uint_eq(r.n, 2);
	ck_assert_str_eq(r.v[0].name, "z");
	ck_assert_str_eq(r.v[0].address_text, "unix:/z");
	ck_assert_int_eq(r.v[0].address.kind, NODE_ADDRESS_UNIX);
	ck_assert_uint_eq(r.v[0].slots, 4);
	ck_assert_int_eq(r.v[0].codec, WIRE_ZSTD);
	ck_assert_str_eq(r.v[1].address.text, "u@h");
	ck_assert_uint_eq(r.v[1].slots, 0);
	ck_assert_int_eq(r.v[1].codec, WIRE_LZO);
	ck_assert_ptr_eq(node_roster_get(&r, "A.b-c_1"), &r.v[1]);
	ck_assert_ptr_null(node_roster_get(&r, "a.b-c_1"));
	node_roster_release(&r);
	ck_assert_uint_eq(r.n, 0);
}

TEST(the_ssh_target_is_configured_or_taken_from_the_address)
{
	struct node_roster r;
	struct err err = { 0 };

	must(load(&r,
		  "[node \"a\"]\naddress=unix:/z\nssh=root@a\n"
		  "[node \"b\"]\naddress=ssh:u@h\n"
		  "[node \"c\"]\naddress=unix:/z\n",
		  &err));
	ck_assert_str_eq(r.v[0].ssh, "root@a");
	ck_assert_str_eq(r.v[1].ssh, "u@h");
	ck_assert_ptr_null(r.v[2].ssh);
	node_roster_release(&r);
}

TEST(the_key_and_the_drain_setting_of_a_node_are_loaded)
{
	struct node_roster r;
	struct err err = { 0 };
	char text[TLS_KEY_FINGERPRINT_SIZE];

	must(load(&r,
		  "[node \"a\"]\naddress=tls:b:1\nkey=" PIN "\n"
		  "drain=true\n"
		  "[node \"c\"]\naddress=unix:/z\ndrain=false\n",
		  &err));
	ck_assert_int_eq(r.v[0].address.kind, NODE_ADDRESS_TLS);
	tls_key_format_fingerprint(&r.v[0].pin, text);
	ck_assert_str_eq(text, PIN);
	ck_assert(r.v[0].drained);
	ck_assert(!r.v[1].drained);
	node_roster_release(&r);
}

TEST(a_limit_on_open_files_removes_pool_members_before_nodes)
{
	struct node_roster r;
	struct err err = { 0 };

	must(load(&r,
		  "[node \"a\"]\naddress=unix:/a\n"
		  "[node \"b\"]\naddress=ssh:b\n"
		  "[pool \"p\"]\nstart=x\nmin=2\nmax=3\n"
		  "[pool \"q\"]\nstart=x\nmax=2\n",
		  &err));
	ck_assert_uint_eq(node_roster_count_files(&r), 1 + 2 + 6 + 4);
	ck_assert_uint_eq(node_roster_limit_files(&r, 13), 0);
	ck_assert_uint_eq(node_roster_limit_files(&r, 12), 1);
	ck_assert_uint_eq(r.pools[1].max, 1);
	ck_assert_uint_eq(node_roster_limit_files(&r, 5), 3);
	ck_assert_uint_eq(r.n_pools, 1);
	ck_assert_uint_eq(r.pools[0].max, 1);
	ck_assert_uint_eq(r.pools[0].min, 1);
	ck_assert_uint_eq(node_roster_limit_files(&r, 0), 2);
	ck_assert_uint_eq(r.n, 1);
	ck_assert_uint_eq(r.n_pools, 0);
	ck_assert_uint_eq(node_roster_count_files(&r), 1);
	node_roster_release(&r);

	must(load(&r, "[pool \"p\"]\nstart=x\nmax=3\n", &err));
	ck_assert_uint_eq(node_roster_limit_files(&r, 0), 2);
	ck_assert_uint_eq(r.pools[0].max, 1);
	node_roster_release(&r);
}

TEST(a_configuration_without_nodes_gives_an_empty_roster)
{
	struct node_roster r;
	struct err err = { 0 };

	must(load(&r, "[farm]\nverify=1\n", &err));
	ck_assert_uint_eq(r.n, 0);
	ck_assert_ptr_null(node_roster_get(&r, "x"));
	node_roster_release(&r);
}

static const struct invalid {
	const char *text, *error; /* after the name of the file */
} invalid[] = {
	{ "[node \"a\"]\naddress=unix:/z\n[node \"b\"]\n\naddress=tcp:b\n",
	  ":5: node.b.address: invalid node address \"tcp:b\": expected "
	  "tls:HOST[:PORT], ssh:[USER@]HOST, exec:COMMAND or unix:PATH" },
	{ "[node \"b\"]\naddress=tls:b\n",
	  ":2: node.b.address: tls:b: missing key; set `key = SHA256:...` as "
	  "printed by `kfarmd --init` on the node" },
	{ "[node \"b\"]\naddress=tls:b\nkey=SHA256:x\n",
	  ":3: node.b.key: invalid key fingerprint \"SHA256:x\": expected "
	  "SHA256: and 43 letters, digits, + and /" },
	{ "[node \"b\"]\naddress=unix:/z\nkey=\n",
	  ":3: node.b.key: invalid key fingerprint \"\": expected "
	  "SHA256: and 43 letters, digits, + and /" },
	{ "[node \"b\"]\naddress=ssh:-x\n",
	  ":2: node.b.address: ssh:-x: invalid host name: expected letters, "
	  "digits and . _ : % -; for a port, see ssh_config(5)" },
	{ "[node \"b\"]\naddress=unix:/z\nssh=-oProxyCommand=x\n",
	  ":3: node.b.ssh: ssh:-oProxyCommand=x: invalid host name: expected "
	  "letters, digits and . _ : % -; for a port, see ssh_config(5)" },
	{ "[node \"b\"]\naddress=unix:/z\nsite=a b\n",
	  ":3: node.b.site: invalid site name \"a b\": expected up to 63 "
	  "letters, digits and . _ -, without a leading dash" },
	{ "[node \"b\"]\n\nslots=3\n", ":3: node b has no address" },
	{ "[node \"b\"]\ncodec=lzo\n", ":2: node b has no address" },
	{ "[node \"b\"]\naddres=unix:/z\n", ":2: node b has no address" },
	{ "[node \"two words\"]\naddress=unix:/z\n",
	  ":2: invalid node name \"two words\": expected up to 63 letters, "
	  "digits and . _ -, without a leading dash" },
	{ "[node \"-b\"]\naddress=unix:/z\n",
	  ":2: invalid node name \"-b\": expected up to 63 letters, digits "
	  "and . _ -, without a leading dash" },
	{ "[node \"\"]\nslots=1\n",
	  ":2: invalid node name \"\": expected up to 63 letters, digits and "
	  ". _ -, without a leading dash" },
	{ "[node \"local\"]\naddress=unix:/z\n",
	  ":2: invalid node name \"local\": reserved for this machine" },
};

TEST_EACH(an_error_names_the_invalid_node_and_its_line, invalid)
{
	struct node_roster r;
	struct err err = { 0 };

	err_is(load(&r, row->text, &err), -EINVAL, "%s%s",
	       row->error[0] == ':' ? file : "", row->error);
	ck_assert_uint_eq(r.n, 0);
}

TEST(a_node_name_has_at_most_63_characters)
{
	char name[65];
	struct err err = { 0 };

	memset(name, 'n', 64);
	name[64] = '\0';
	ck_assert_int_eq(node_entry_check_name(name, &err), -EINVAL);
	name[63] = '\0';
	must(node_entry_check_name(name, &err));
}
