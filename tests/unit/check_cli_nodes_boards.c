/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cli machine */
/*
 * Inventory and limits of each recorded board (tests/data/boards), as printed
 * by `kfarm nodes list`, `probe`, `limits` and their --json, compared with
 * tests/data/boards/NAME.out.
 */
#include "../lib/board.h"
#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "cli/nodes.h"
#include "golden.h"
#include "machine/health.h"
#include "machine/machine.h"

#define FARM_NODES 3

static char dir[TEMPDIR_SIZE];
static char top[4096];

static void remember_top(void)
{
	ck_assert_ptr_nonnull(getcwd(top, sizeof(top)));
}

static void board_enter(const char *board)
{
	tempdir_make(dir);
	board_unpack(board, dir);
}

static void board_leave(void)
{
	tempdir_remove(dir);
	ck_assert_int_eq(chdir(top), 0);
}

/*
 * Fill in the messages of a kfarmd on the board, with a store on an SD card.
 * If `local` is not NULL, also fill in the inventory of a kfarm on the board.
 */
static void ask_board(struct peer_survey_node *p, const struct node_entry *e,
		      const char *board, struct wire_inventory *local)
{
	struct machine_health h = { 0 };

	board_enter(board);
	peer_survey_init(p, e);
	p->up = true;
	p->rtt_ms = 2;
	p->hello.software = xstrdup("kfarmd 0.1");
	p->fit.usable = 1;
	p->fit.layers = xstrdup("user mount pid");
	p->fit.reason = xstrdup("");
	machine_inventory_collect(&p->hello.inventory, dir);
	machine_collect(&p->machine, NULL, dir);
	machine_health_read(&h, 1000, 0, dir);
	p->machine.health = h.current;
	p->machine.health.store_mib = 20480;
	p->machine.store_mib = 29696;
	p->machine.n_toolchains = 1;
	machine_health_release(&h);
	if (local)
		machine_inventory_collect(local, dir);
	board_leave();
}

static void add_json(struct buf *out, const char *what, json_t *made)
{
	char *text = json_dumps(made, JSON_INDENT(2) | JSON_REAL_PRECISION(6));

	buf_printf(out, "$ kfarm nodes %s --json\n%s\n", what, text);
	free(text);
	json_decref(made);
}

static void add_text(struct buf *out, const char *what,
		     void (*print)(FILE *, const struct nodes_survey *),
		     const struct nodes_survey *s)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	print(f, s);
	fclose(f);
	buf_printf(out, "$ kfarm nodes %s\n%s", what, text);
	free(text);
}

/* The same machine is the build host and its only node. */
static void survey_board(struct nodes_survey *s, const struct node_entry *e,
			 const char *board)
{
	*s = (struct nodes_survey){ .n_nodes = 1, .capacity = 4096 };
	s->nodes = xcalloc(1, sizeof(*s->nodes));
	s->rows = xcalloc(1, sizeof(*s->rows));
	ask_board(&s->nodes[0], e, board, &s->local);
	nodes_survey_limits(s);
}

#define CLONED                                                                \
	"neo4a and neo4b are two machines with the same key (copied disk?); " \
	"run `kfarm nodes rekey neo4b`"

TEST(the_reason_of_cloned_nodes_is_printed_once)
{
	static const char *const names[] = { "neo4a", "neo4b" };
	struct node_entry e[2] = { 0 };
	struct peer_survey_node nodes[2] = { 0 };
	struct nodes_row rows[2] = { 0 };
	struct nodes_survey s = { .nodes = nodes, .rows = rows, .n_nodes = 2 };
	struct buf out = { 0 };
	const char *at;

	for (int i = 0; i < 2; i++) {
		e[i].name = (char *)names[i];
		nodes[i].entry = &e[i];
		nodes[i].up = true;
		nodes[i].hello.inventory.machine = (char *)"aarch64";
		nodes[i].excluded_reason = (char *)CLONED;
		rows[i] = (struct nodes_row){ .entry = &e[i],
					      .node = &nodes[i],
					      .state = "cloned",
					      .reason = CLONED };
	}
	add_text(&out, "list", nodes_print_list, &s);
	at = strstr(buf_str(&out), "\n" CLONED "\n");
	ck_assert_msg(at != NULL, "%s", buf_str(&out));
	ck_assert_ptr_null(strstr(at + 2, CLONED));
	ck_assert_ptr_null(strstr(buf_str(&out), ": " CLONED));
	buf_release(&out);
}

/* A note that does not fit is never cut; the state explains a drained node. */
TEST(a_note_fits_or_is_printed_below_the_list)
{
	static const char long_name[] = "a-node-with-a-name-of-32-columns";
	struct node_entry e[2] = { { .name = (char *)long_name },
				   { .name = (char *)"b", .drained = true } };
	struct peer_survey_node nodes[2] = { 0 };
	struct nodes_row rows[2] = { 0 };
	struct nodes_survey s = {
		.nodes = nodes, .rows = rows, .n_nodes = 2, .capacity = 1
	};
	struct buf out = { 0 };

	for (int i = 0; i < 2; i++) {
		nodes[i].entry = &e[i];
		nodes[i].up = true;
		nodes[i].fit.usable = 1;
		nodes[i].hello.inventory.machine = (char *)"x";
		nodes[i].hello.version_max = 60000;
	}
	nodes_survey_limits(&s);
	add_text(&out, "list", nodes_print_list, &s);
	ck_assert_str_eq(
		buf_str(&out),
		"$ kfarm nodes list\n"
		"NODE                              STATE    CORES  MEMORY  "
		"ARCH  SLOTS  LOAD  TEMP  NOTE\n"
		"a-node-with-a-name-of-32-columns  up           -       -  "
		"-         -     -     -  see below\n"
		"b                                 drained      -       -  "
		"-         -     -     -  -\n"
		"a-node-with-a-name-of-32-columns: protocol 60000\n");
	buf_release(&out);
	for (int i = 0; i < 2; i++) {
		free(rows[i].max_limit.reason);
		free(rows[i].limit_reason);
	}
	free(s.local_limit.reason);
}

/* A kfarmd of an earlier release is usable, but lacks newer features. */
TEST(the_protocol_version_of_a_node_is_shown_if_it_differs)
{
	struct node_entry e = { .name = (char *)"a" };
	struct peer_survey_node node = {
		.entry = &e,
		.up = true,
		.hello.software = (char *)"kfarmd 0.1",
		.hello.inventory.machine = (char *)"x",
		.fit.usable = 1,
	};
	struct nodes_row row = { 0 };
	struct nodes_survey s = {
		.nodes = &node, .rows = &row, .n_nodes = 1, .capacity = 1
	};

	for (unsigned version = WIRE_VERSION - 1; version <= WIRE_VERSION + 1;
	     version++) {
		struct buf out = { 0 };
		char *note = xasprintf("protocol %u\n", version);
		json_t *json, *nodes;

		node.hello.version_max = (uint16_t)version;
		nodes_survey_limits(&s);
		add_text(&out, "list", nodes_print_list, &s);
		ck_assert_msg(!strstr(buf_str(&out), note) ==
				      (version == WIRE_VERSION),
			      "%s", buf_str(&out));
		json = nodes_json_list(&s);
		nodes = json_object_get(json, "nodes");
		ck_assert_int_eq(json_integer_value(json_object_get(
					 json_array_get(nodes, 0), "protocol")),
				 version);
		json_decref(json);
		free(row.max_limit.reason);
		free(row.limit_reason);
		free(s.local_limit.reason);
		free(note);
		buf_release(&out);
	}
}

static const char *const boards[] = { "rk3399", "s912",      "s912-hot",
				      "s905x",  "s905x-hot", "pi4",
				      "pi5",    "server",    "container" };

FIXTURE_ONCE(remember_top, NULL);
TIMEOUT(60);

TEST_EACH(inventory_and_limits_of_a_board_match_its_golden_file, boards)
{
	char *path = xasprintf("tests/data/boards/%s.out", *row);
	struct node_entry e = { .name = (char *)*row,
				.address_text = (char *)"ssh:board" };
	struct nodes_survey s;
	struct buf out = { 0 };

	survey_board(&s, &e, *row);
	add_text(&out, "list", nodes_print_list, &s);
	add_text(&out, "probe", nodes_print_probe, &s);
	add_text(&out, "limits", nodes_print_limits, &s);
	add_json(&out, "list", nodes_json_list(&s));
	golden_file(path, buf_str(&out));
	for (const char *at = buf_str(&out); at; at = strchr(at + 1, '\n')) {
		if (str_starts(at, "\n$ kfarm nodes probe"))
			break;
		ck_assert_uint_le(strcspn(at + 1, "\n"), 80);
	}
	buf_release(&out);
	nodes_survey_release(&s);
	free(path);
}

/*
 * ---------------------------------------------------------- a farm of boards
 */

/*
 * A farm of 28 cores: boards of 8, 8 and 4 Cortex-A53, and a build host that is
 * a board of 8.  The best manual settings for distcc were 9, 9 and 5 jobs for
 * the boards, 3 for the build host, and make -j28.  kfarm-nodes(1) explains why
 * kfarm has more jobs on the build host.
 */
static const char *const article[FARM_NODES] = { "s912", "s912", "s905x" };

static void survey_farm(struct nodes_survey *s, struct node_entry *entries)
{
	static const char *const names[FARM_NODES] = { "box1", "box2", "box3" };

	*s = (struct nodes_survey){ .n_nodes = FARM_NODES, .capacity = 4096 };
	s->nodes = xcalloc(FARM_NODES, sizeof(*s->nodes));
	s->rows = xcalloc(FARM_NODES, sizeof(*s->rows));
	for (int i = 0; i < FARM_NODES; i++) {
		entries[i] = (struct node_entry){ .name = (char *)names[i] };
		ask_board(&s->nodes[i], &entries[i], article[i],
			  i ? NULL : &s->local);
	}
	nodes_survey_limits(s);
}

TEST(limits_of_the_28_core_farm_match_its_golden_file)
{
	char *path = xstrdup("tests/data/boards/farm-28.out");
	struct node_entry entries[FARM_NODES];
	struct nodes_survey s;
	struct buf out = { 0 };

	survey_farm(&s, entries);
	add_text(&out, "list", nodes_print_list, &s);
	add_text(&out, "limits", nodes_print_limits, &s);
	golden_file(path, buf_str(&out));
	ck_assert_uint_eq(s.rows[0].slots, 10);
	ck_assert_uint_eq(s.rows[1].slots, 10);
	ck_assert_uint_eq(s.rows[2].slots, 5);
	ck_assert_uint_eq(s.local_limit.slots, 5);
	ck_assert_uint_eq(nodes_count_jobs(&s), 30);
	buf_release(&out);
	nodes_survey_release(&s);
	free(path);
}
