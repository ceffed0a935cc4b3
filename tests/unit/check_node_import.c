/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: node */
#include "../lib/tempdir.h"
#include "../lib/test.h"

#include "node/import.h"

#include "base/fs.h"
#include "conf/conf.h"
#include "wire/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define PIN "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"
#define LIST(serial) \
	"[list]\nname=farm\nserial=" #serial "\nexpires=2999-12-31\n"
#define NODE(name) "[node \"" name "\"]\naddress=tls:" name "\nkey=" PIN "\n"
/* 3000-01-01 00:00 UTC */
#define END_S INT64_C(32503680000)

static char dir[TEMPDIR_SIZE];

static void set_up(void)
{
	char *config;

	tempdir_make(dir);
	config = xasprintf("%s/config", dir);
	setenv("KFARM_CONFIG", config, 1);
	setenv("XDG_STATE_HOME", dir, 1);
	free(config);
}

static void tear_down(void)
{
	tempdir_remove(dir);
}

FIXTURE(set_up, tear_down);

static int store(const char *text, int64_t now_s, bool *changed,
		 struct err *err)
{
	struct node_import l;
	int ret = node_import_parse(&l, bytes_str(text), "x", 1, err);

	ck_assert_int_eq(ret, 0);
	ret = node_import_store(&l, bytes_str(text), "x", now_s, changed, err);
	node_import_release(&l);
	return ret;
}

/* Load a configuration with the list `farm` and the lines `text`. */
static void load(struct node_roster *r, const char *text, int64_t now_s)
{
	char *path = conf_user_path();
	char *whole = xasprintf("%s[import \"farm\"]\nurl=/x\n", text);
	struct conf *c = NULL;
	struct err err = { 0 };

	must(fs_write(path, bytes_str(whole), 0600, &err));
	must(conf_load(&c, NULL, &err));
	*r = (struct node_roster){ 0 };
	node_import_add_all(r, c, now_s);
	conf_free(c);
	free(whole);
	free(path);
}

TEST(a_list_is_parsed_into_nodes_with_keys)
{
	struct node_import l;
	struct err err = { 0 };

	must(node_import_parse(
		&l,
		bytes_str(LIST(7) NODE("a") "slots=3\ncodec=zstd\n"
					    "site=lab\n" NODE("b.c-1")),
		"x", 1, &err));
	ck_assert_str_eq(l.name, "farm");
	ck_assert_int_eq(l.serial, 7);
	ck_assert_int_eq(l.expires_s, END_S);
	ck_assert_uint_eq(l.n, 2);
	ck_assert_str_eq(l.v[0].name, "a");
	ck_assert_str_eq(l.v[0].address_text, "tls:a");
	ck_assert_int_eq(l.v[0].address.kind, NODE_ADDRESS_TLS);
	ck_assert(digest_is_set(&l.v[0].pin));
	ck_assert_uint_eq(l.v[0].slots, 3);
	ck_assert_int_eq(l.v[0].codec, WIRE_ZSTD);
	ck_assert_str_eq(l.v[0].site, "lab");
	ck_assert_ptr_null(l.v[0].ssh);
	ck_assert_str_eq(l.v[1].name, "b.c-1");
	ck_assert_int_eq(l.v[1].codec, WIRE_LZO);
	node_import_release(&l);
}

/* Invalid lists and their error messages. */
static const struct invalid {
	const char *text, *error;
} invalid[] = {
	{ "", "x:11: incomplete header: a list begins with [list] and the keys "
	      "name, serial and expires" },
	{ NODE("a"),
	  "x:11: incomplete header: a list begins with [list] and the keys "
	  "name, serial and expires" },
	{ LIST(1) "[node \"a\"]\naddress=exec:reboot\nkey=" PIN "\n",
	  "x:16: address: \"exec:reboot\" is not allowed in a list: expected "
	  "tls:HOST[:PORT]" },
	{ LIST(1) "[node \"a\"]\naddress=unix:/run/x\nkey=" PIN "\n",
	  "x:16: address: \"unix:/run/x\" is not allowed in a list: expected "
	  "tls:HOST[:PORT]" },
	{ LIST(1) "[node \"a\"]\naddress=ssh:a\nkey=" PIN "\n",
	  "x:16: address: \"ssh:a\" is not allowed in a list: expected "
	  "tls:HOST[:PORT]" },
	{ LIST(1) "[node \"a\"]\naddress=tls:-a\nkey=" PIN "\n",
	  "x:16: address: tls:-a: invalid host name: expected letters, digits "
	  "and . _ -" },
	{ LIST(1) "[node \"a\"]\naddress=tls:a\n",
	  "x:15: node a has no key; each node of a list needs one" },
	{ LIST(1) "[node \"a\"]\nkey=" PIN "\n" NODE("b"),
	  "x:15: node a has no address; each node of a list needs one" },
	{ LIST(1) NODE("a") NODE("b") NODE("a"),
	  "x:21: node a is listed twice" },
	{ LIST(1) NODE("a") "address=tls:b\n",
	  "x:18: address: the key is set twice" },
	{ LIST(1) NODE("a") "power=reboot\n",
	  "x:18: power is not allowed in [node] of a list" },
	{ LIST(1) NODE("a") "ssh=root@a\n",
	  "x:18: ssh is not allowed in [node] of a list" },
	{ LIST(1) NODE("a") "slots=0\n",
	  "x:18: slots: \"0\" is not a number from 1 to 1024" },
	{ LIST(1) NODE("a") "codec=gzip\n",
	  "x:18: codec: invalid value \"gzip\": expected none, lzo or zstd" },
	{ LIST(1) NODE("a") "slots\n", "x:18: slots: missing value" },
	{ LIST(1) "drain=a\n", "x:15: drain is not allowed in [list] of a "
			       "list" },
	{ LIST(1) "[include]\npath=/etc/passwd\n",
	  "x:15: unexpected section [include]: a list has only [list] and "
	  "[node \"NAME\"]" },
	{ LIST(1) "[pool \"p\"]\nstart=reboot\n",
	  "x:15: unexpected section [pool \"...\"]: a list has only [list] and "
	  "[node \"NAME\"]" },
	{ LIST(1) "[toolchain]\nhttp=true\n",
	  "x:15: unexpected section [toolchain]: a list has only [list] and "
	  "[node \"NAME\"]" },
	{ LIST(1) NODE("local"),
	  "x:15: invalid node name \"local\": reserved for this machine" },
	{ "[list]\nname=../x\n",
	  "x:12: name: invalid team name \"../x\": expected up to 63 letters, "
	  "digits and . _ -, without a leading dash" },
	{ "[list]\nserial=0\n", "x:12: serial: \"0\" is not a number from 1 to "
				"9223372036854775807" },
	{ "[list]\nserial=9223372036854775808\n",
	  "x:12: serial: \"9223372036854775808\" is not a number from 1 to "
	  "9223372036854775807" },
	{ "[list]\nexpires=2030-02-30\n",
	  "x:12: expires: \"2030-02-30\" is not a date YYYY-MM-DD" },
	{ "[list]\nexpires=2030-02-03 \"x\"\n",
	  "x:12: expires: \"2030-02-03 x\" is not a date YYYY-MM-DD" },
	{ LIST(1) "[node \"a\n",
	  "x:15: unterminated quote in a section header" },
};

TEST_EACH(an_invalid_list_is_rejected_with_the_line_of_the_error, invalid)
{
	struct node_import l;
	struct err err = { 0 };

	err_is(node_import_parse(&l, bytes_str(row->text), "x", 11, &err),
	       -EINVAL, "%s", row->error);
	ck_assert_uint_eq(l.n, 0);
}

TEST(a_list_with_an_older_serial_is_rejected_as_a_replay)
{
	struct node_import l;
	struct err err = { 0 };
	bool changed;

	must(store(LIST(7) NODE("a"), END_S - 1, &changed, &err));
	ck_assert(changed);
	must(store(LIST(7) NODE("a"), END_S - 1, &changed, &err));
	ck_assert(!changed);
	err_is(store(LIST(6) NODE("b"), END_S - 1, &changed, &err), -ESTALE,
	       "x:3: serial: 6 is older than serial 7 of the list farm, which "
	       "was accepted before; download the current list");
	err_is(store(LIST(7) NODE("b"), END_S - 1, &changed, &err), -ESTALE,
	       "x:3: serial: another list farm with the serial 7 was accepted "
	       "before; the author must increase the serial");
	must(node_import_read(&l, "farm", &err));
	ck_assert_int_eq(l.serial, 7);
	ck_assert_str_eq(l.v[0].name, "a");
	ck_assert_int_gt(l.checked_s, 0);
	node_import_release(&l);
	must(store(LIST(8) NODE("b"), END_S - 1, &changed, &err));
	ck_assert(changed);
	must(node_import_remove("farm", &err));
	ck_assert_int_eq(node_import_read(&l, "farm", &err), -ENOENT);
	must(store(LIST(1) NODE("b"), END_S - 1, &changed, &err));
}

TEST(a_list_expires_at_the_end_of_its_last_day)
{
	struct node_roster r;
	struct err err = { 0 };
	bool changed;

	err_is(store(LIST(7) NODE("a"), END_S, &changed, &err), -ESTALE,
	       "x:4: expires: the list expired at the end of 2999-12-31; its "
	       "author must sign a new list");
	must(store(LIST(7) NODE("a"), END_S - 1, &changed, &err));
	load(&r, "", END_S - 1);
	ck_assert_uint_eq(r.n, 1);
	ck_assert_uint_eq(r.warnings.n, 0);
	node_roster_release(&r);
	load(&r, "", END_S);
	ck_assert_uint_eq(r.n, 0);
	ck_assert_uint_eq(r.warnings.n, 1);
	ck_assert_str_eq(r.warnings.v[0],
			 "the list of nodes farm expired at the end of "
			 "2999-12-31 and is not used; run `kfarm nodes "
			 "import`");
	node_roster_release(&r);
}

TEST(a_missing_or_damaged_list_causes_a_warning)
{
	char *path = xasprintf("%s/kfarm/lists/farm.conf", dir);
	struct node_roster r;
	struct err err = { 0 };
	bool changed;

	load(&r, "", END_S - 1);
	ck_assert_uint_eq(r.n, 0);
	ck_assert_str_eq(r.warnings.v[0],
			 "the list of nodes farm was not imported yet; run "
			 "`kfarm nodes import`");
	node_roster_release(&r);
	must(store(LIST(7) NODE("a"), END_S - 1, &changed, &err));
	must(fs_write(path, bytes_str(LIST(7) "[node"), 0600, &err));
	load(&r, "", END_S - 1);
	ck_assert_uint_eq(r.n, 0);
	ck_assert_ptr_nonnull(strstr(r.warnings.v[0], path));
	node_roster_release(&r);
	/* A damaged file does not prevent the next import. */
	must(store(LIST(7) NODE("a"), END_S - 1, &changed, &err));
	ck_assert(changed);
	free(path);
}

TEST(configured_nodes_take_precedence_over_imported_nodes)
{
	char *path = conf_user_path();
	struct conf *c = NULL;
	struct node_roster r;
	struct err err = { 0 };
	bool changed;

	must(store(LIST(7) NODE("a") NODE("b") NODE("c") NODE("d"), 0, &changed,
		   &err));
	must(fs_write(path,
		      bytes_str("[import \"farm\"]\nurl=/x\ndrain=d x\n"
				"[node \"b\"]\naddress=unix:/b\n"
				"[pool \"c\"]\nstart=x\nmax=1\n"),
		      0600, &err));
	must(conf_load(&c, NULL, &err));
	must(node_roster_load(&r, c, &err));
	ck_assert_uint_eq(r.n, 3);
	ck_assert_str_eq(r.v[0].name, "b");
	ck_assert_str_eq(r.v[0].address_text, "unix:/b");
	ck_assert_ptr_null(r.v[0].list);
	ck_assert_str_eq(r.v[1].name, "a");
	ck_assert_str_eq(r.v[1].list, "farm");
	ck_assert(!r.v[1].drained);
	ck_assert_str_eq(r.v[2].name, "d");
	ck_assert(r.v[2].drained);
	node_roster_release(&r);
	conf_free(c);
	free(path);
}

/* Running builds detect changes of the configuration by this digest. */
TEST(an_import_changes_the_digest_of_the_configuration)
{
	struct digest before, after, same;
	struct err err = { 0 };
	bool changed;

	must(store(LIST(7) NODE("a"), 0, &changed, &err));
	conf_digest_current(&before);
	must(store(LIST(7) NODE("a"), 0, &changed, &err));
	conf_digest_current(&same);
	ck_assert(digest_equal(&before, &same));
	must(store(LIST(8) NODE("a"), 0, &changed, &err));
	conf_digest_current(&after);
	ck_assert(!digest_equal(&before, &after));
}

static uint64_t cpu_ms(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (uint64_t)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000 +
	       (uint64_t)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1000;
}

/* Return a list with `n` nodes. */
static char *make_list(unsigned n)
{
	struct buf text = { 0 };

	buf_add_str(&text, LIST(7));
	for (unsigned i = 0; i < n; i++)
		buf_printf(&text,
			   "[node \"n%u\"]\naddress=tls:n%u\nkey=" PIN "\n", i,
			   i);
	return buf_steal(&text);
}

TEST(a_list_has_at_most_10000_nodes)
{
	char *text = make_list(10000);
	uint64_t begin_ms = cpu_ms();
	struct node_import l;
	struct node_roster r;
	struct err err = { 0 };
	bool changed;

	must(store(text, 0, &changed, &err));
	load(&r, "", 0);
	ck_assert_uint_eq(r.n, 10000);
	node_roster_release(&r);
	free(text);
	text = make_list(100000);
	err_is(node_import_parse(&l, bytes_str(text), "x", 1, &err), -EINVAL,
	       "x:30005: too many nodes: a list has at most 10000 nodes");
	/* The limit leaves room for sanitizers. */
	ck_assert_uint_lt(cpu_ms() - begin_ms, 2000);
	free(text);
}
