/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/nodes-check.h"

#include "base/format.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "base/printable.h"
#include "base/str.h"
#include "cli/cmd.h"
#include "cli/nodes.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "conf/schema.h"
#include "kernel/compiler.h"
#include "kernel/rundir.h"
#include "machine/sys.h"
#include "peer/canary-db.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WIDTH    80
#define INDENT   4
#define NAME_MAX 12 /* columns of a node's name in the table */

void nodes_check_judge(struct nodes_check *c,
		       const struct admin_node_test *trial,
		       const char *compiler)
{
	*c = (struct nodes_check){ .trial = trial, .compiler = compiler };
	c->verdicts = xcalloc(trial->n_nodes + 1, sizeof(*c->verdicts));
	for (size_t i = 0; i < trial->n_nodes; i++)
		admin_verdict(c->verdicts[i], &trial->nodes[i], compiler);
}

void nodes_check_release(struct nodes_check *c)
{
	for (size_t i = 0; c->verdicts && i < c->trial->n_nodes; i++)
		admin_verdict_release(c->verdicts[i]);
	free(c->verdicts);
	*c = (struct nodes_check){ 0 };
}

bool nodes_check_has_passed(const struct nodes_check *c)
{
	for (size_t i = 0; i < c->trial->n_nodes; i++) {
		if (admin_verdict_has_failed(c->verdicts[i]))
			return false;
	}
	return true;
}

/*
 * Shorten a node's name to NAME_MAX columns for a table.  The findings below
 * the table contain the full name.  The caller frees the result.
 */
static char *nodes_check_short_name(const char *name)
{
	size_t len = strlen(name);

	return len <= NAME_MAX ? xstrdup(name) :
				 xasprintf("%.*s..", NAME_MAX - 2, name);
}

/*
 * Print `text` indented and wrapped to WIDTH columns.  Nodes supply parts of
 * the text, so unprintable bytes are replaced.
 */
static void nodes_check_print_line(FILE *out, const char *text)
{
	char *clean = xstrdup(text);

	printable_replace(clean, strlen(clean), 0, '?');
	fprintf(out, "%*s", INDENT, "");
	table_print_wrapped(out, clean, INDENT, WIDTH - INDENT);
	fputc('\n', out);
	free(clean);
}

/*
 * Print a line "NODE: ROW", then the finding `what` and the advice, both
 * indented and wrapped.  `row` names the tested property, such as "burn-in", or
 * the compiler of the test.  `advice` can be NULL.
 */
static void nodes_check_print_finding(FILE *out, const char *node,
				      const char *row, const char *what,
				      const char *advice)
{
	fprintf(out, "\n%s: %s\n", node, row);
	nodes_check_print_line(out, what);
	if (advice) {
		char *text = xasprintf("-> %s", advice);

		nodes_check_print_line(out, text);
		free(text);
	}
}

void nodes_check_print(FILE *out, const struct nodes_check *c)
{
	struct table t = { .align = "lrrrrrlll" };

	if (!c->trial->n_nodes)
		return;
	strv_add(&t.fields, "NODE");
	for (int k = 0; k < ADMIN_VERDICT_ROW_COUNT; k++) {
		char *name = xstrdup(admin_verdict_row_name(k));

		for (char *at = name; *at; at++)
			*at = (char)(*at - 'a' + 'A');
		strv_own(&t.fields, name);
	}
	for (size_t i = 0; i < c->trial->n_nodes; i++) {
		strv_own(&t.fields, nodes_check_short_name(
					    c->trial->nodes[i].entry->name));
		for (int k = 0; k < ADMIN_VERDICT_ROW_COUNT; k++)
			strv_add(&t.fields, c->verdicts[i][k].summary);
	}
	table_print(out, &t);

	for (size_t i = 0; i < c->trial->n_nodes; i++) {
		for (int k = 0; k < ADMIN_VERDICT_ROW_COUNT; k++) {
			const struct admin_verdict *v = &c->verdicts[i][k];

			if (v->grade > ADMIN_VERDICT_GRADE_GOOD && v->finding)
				nodes_check_print_finding(
					out, c->trial->nodes[i].entry->name,
					admin_verdict_row_name(k), v->finding,
					v->advice);
		}
	}
	if (c->trial->compiler_error)
		nodes_check_print_finding(
			out, "this machine", c->compiler,
			c->trial->compiler_error,
			"nothing was compiled; select another compiler with -t");
}

static unsigned count_other_faults(const struct admin_node_test_count *c)
{
	return c->n_damaged + c->n_failed;
}

static char *format_other_faults(const void *count)
{
	return xasprintf("%u", count_other_faults(count));
}

static char *format_clock(int64_t milli)
{
	return xasprintf("%lld %%", (long long)milli / 10);
}

static char *format_cpu(int64_t ms)
{
	struct buf cpu = { 0 };

	format_duration_short(&cpu, (uint64_t)ms);
	return buf_steal(&cpu);
}

static char *format_node_name(const void *result)
{
	return nodes_check_short_name(
		((const struct admin_node_test_result *)result)->entry->name);
}

static char *format_class_name(const void *class)
{
	char *name = xasprintf(
		"  %s", ((const struct admin_node_test_class *)class)->name);
	char *shown = nodes_check_short_name(name);

	free(name);
	return shown;
}

static char *format_nothing(const void *s)
{
	(void)s;
	return xstrdup("");
}

static bool has_first_error(const void *count)
{
	return ((const struct admin_node_test_count *)count)->first_error;
}

#define COUNT(name, member) RECORD_VALUE(name, admin_node_test_count, member)

static const struct record_member count_members[] = {
	{ COUNT("asked", n_sent) },
	{ COUNT("right", n_right), RECORD_COLUMN_RIGHT(3, "CORRECT") },
	{ COUNT("wrong", n_wrong), RECORD_COLUMN_RIGHT(4, "WRONG") },
	{ COUNT("crashed", n_crashed), RECORD_COLUMN_RIGHT(5, "CRASHED") },
	{ COUNT("damaged", n_damaged) },
	{ COUNT("failed", n_failed), RECORD_COLUMN_RIGHT(6, "FAILED"),
	  .format = format_other_faults },
};
static const struct record count_record = RECORD(admin_node_test_count,
						 count_members);

static const struct record_member first_members[] = {
	{ COUNT("first", first_error) },
	{ COUNT("first_ms", first_error_ms), .is_present = has_first_error },
};
static const struct record first_record = RECORD(admin_node_test_count,
						 first_members);

#define CLASS(name, member)  RECORD_VALUE(name, admin_node_test_class, member)
#define RESULT(name, member) RECORD_VALUE(name, admin_node_test_result, member)
/* CELSIUS and CLOCK omit a member that the node did not report. */
#define CELSIUS(type, member)                                  \
	RECORD_NUMBER("hottest_celsius", type, member, 0,      \
		      WIRE_HEALTH_UNKNOWN - 1),                \
		.divisor = 1000, .zero = WIRE_ZERO_CELSIUS_MK, \
		.omit_null = true
#define CLOCK(type)                                              \
	RECORD_NUMBER("slowest_clock", type, min_speed_milli, 0, \
		      WIRE_HEALTH_UNKNOWN - 1),                  \
		.divisor = 1000, .omit_null = true,              \
		RECORD_COLUMN_RIGHT(10, "CLOCK"),                \
		.format_number = format_clock
#define CPU RECORD_COLUMN_RIGHT(8, "CPU"), .format_number = format_cpu

/*
 * The fields of the results of a core class.  Lost sessions and temperatures
 * cannot be attributed to a core class, so the columns LOST and TEMP are empty.
 */
static const struct record_member class_members[] = {
	{ RECORD_COLUMN(1, "NODE"), .format = format_class_name },
	{ RECORD_PART(admin_node_test_class, burn_in, &count_record) },
	{ CLASS("cores", name) },
	{ CLASS("cpus", n_cpus), RECORD_COLUMN_RIGHT(2, "CORES") },
	{ CLASS("throttled_cpus", max_throttled) },
	{ CLASS("cpu_ms", cpu_ms), CPU },
	{ CLASS("throttled_ms", throttled_ms) },
	{ CLOCK(admin_node_test_class) },
	{ RECORD_PART(admin_node_test_class, burn_in, &first_record) },
	{ RECORD_COLUMN_RIGHT(7, "LOST"), .format = format_nothing },
	{ RECORD_COLUMN_RIGHT(9, "TEMP"), .format = format_nothing },
};
static const struct record class_record = RECORD(admin_node_test_class,
						 class_members);

/* Return the tested classes, or [] if results were not counted per class. */
static json_t *burn_classes_json(const void *result)
{
	const struct admin_node_test_result *n = result;
	json_t *list = json_array();

	for (unsigned i = 0; i < n->n_classes; i++) {
		if (n->class_results[i].n_cpus)
			json_array_append_new(
				list, record_to_json(&class_record,
						     &n->class_results[i]));
	}
	return list;
}

static const struct record_member zone_members[] = {
	{ RECORD_VALUE("name", admin_node_test_zone, name) },
	{ CELSIUS(admin_node_test_zone, max_mk) },
};
static const struct record zone_record = RECORD(admin_node_test_zone,
						zone_members);

static const struct record_member burn_members[] = {
	{ RECORD_COLUMN(1, "NODE"), .format = format_node_name },
	{ RESULT(NULL, cores), RECORD_COLUMN_RIGHT(2, "CORES") },
	{ RECORD_PART(admin_node_test_result, burn_in, &count_record) },
	{ RESULT("lost", n_lost), RECORD_COLUMN_RIGHT(7, "LOST") },
	{ RESULT("restarts", n_restarts) },
	{ RESULT("cores", class_text) },
	{ RESULT("throttled_cpus", max_throttled) },
	{ RESULT("cpu_ms", cpu_ms), CPU },
	{ RESULT("throttled_ms", throttled_ms) },
	{ CELSIUS(admin_node_test_result, max_mk),
	  RECORD_COLUMN_RIGHT(9, "TEMP"),
	  .format_number = nodes_format_celsius },
	{ CLOCK(admin_node_test_result) },
	{ RECORD_PART(admin_node_test_result, burn_in, &first_record) },
	{ RECORD_COMPUTED("classes", burn_classes_json), .of = &class_record },
	{ RECORD_LIST("zones", admin_node_test_result, zones, n_zones, 0,
		      &zone_record) },
};
const struct record nodes_burn_record = RECORD(admin_node_test_result,
					       burn_members);

/* Return node `i` as JSON: state, measured figures, verdicts and burn-in. */
static json_t *check_node_json(const struct nodes_check *c, size_t i)
{
	const struct admin_node_test_result *n = &c->trial->nodes[i];
	json_t *rows = json_array(), *o = json_object();

	for (int k = 0; k < ADMIN_VERDICT_COUNT; k++) {
		const struct admin_verdict *v = &c->verdicts[i][k];
		json_t *row;

		if (k >= ADMIN_VERDICT_ROW_COUNT &&
		    !c->trial->burn_in_elapsed_ms)
			continue;
		row = json_object();
		json_object_set_new(row, "row",
				    json_text(admin_verdict_row_name(k)));
		json_object_set_new(
			row, "state",
			json_text(admin_verdict_grade_name(v->grade)));
		json_object_set_new(row, "brief", json_text(v->summary));
		json_object_set_new(row, "what", json_text(v->finding));
		json_object_set_new(row, "todo", json_text(v->advice));
		json_array_append_new(rows, row);
	}
	json_object_set_new(o, "name", json_text(n->entry->name));
	json_object_set_new(o, "address", json_text(n->entry->address_text));
	json_object_set_new(o, "state",
			    json_text(admin_verdict_has_failed(c->verdicts[i]) ?
					      "failed" :
					      "good"));
	if (n->up) {
		json_object_set_new(o, "software", json_text(n->software));
		json_object_set_new(o, "rtt_ms", json_integer(n->rtt_ms));
	}
	if (n->has_clock)
		json_object_set_new(o, "clock_ms",
				    json_integer(n->clock_offset_ms));
	if (n->has_free)
		json_object_set_new(o, "free_mib",
				    json_integer((json_int_t)n->free_mib));
	if (n->bandwidth == ADMIN_NODE_TEST_BANDWIDTH_MEASURED)
		json_object_set_new(o, "link_bits",
				    json_integer((json_int_t)n->bits_per_s));
	json_object_set_new(o, "rows", rows);
	if (c->trial->burn_in_elapsed_ms)
		json_object_set_new(o, "burn_in",
				    record_to_json(&nodes_burn_record, n));
	return o;
}

json_t *nodes_check_json(const struct nodes_check *c)
{
	json_t *list = json_array(), *o = json_object();

	for (size_t i = 0; i < c->trial->n_nodes; i++)
		json_array_append_new(list, check_node_json(c, i));
	json_object_set_new(o, "compiler", json_text(c->compiler));
	json_object_set_new(o, "compiler_failed",
			    json_text(c->trial->compiler_error));
	json_object_set_new(o, "interrupted",
			    json_boolean(c->trial->cancelled));
	if (c->trial->burn_in_elapsed_ms)
		json_object_set_new(
			o, "burn_in_ms",
			json_integer((json_int_t)c->trial->burn_in_elapsed_ms));
	json_object_set_new(o, "nodes", list);
	return o;
}

uint64_t nodes_burn_parse_time(const char *text)
{
	static const struct conf_key time = {
		.type = CONF_TYPE_AMOUNT, .min = 1, .max = 7, .words = "s m h d"
	};
	uint64_t seconds;

	return conf_schema_parse_amount(&time, text, &seconds) ?
		       seconds * 1000 :
		       0;
}

/*
 * For each node, print the core classes, the maximum number of simultaneously
 * throttled cores and the maximum temperature of each zone.  If the kfarmd of
 * the node cannot pin jobs to a core class, also print how to update that
 * kfarmd.
 */
static void print_classes(FILE *out, const struct nodes_check *c)
{
	for (size_t i = 0; i < c->trial->n_nodes; i++) {
		const struct admin_node_test_result *n = &c->trial->nodes[i];
		const char *name = n->entry->name;
		struct buf text = { 0 };

		if (!n->burn_in.n_sent)
			continue;
		if (n->class_text)
			buf_printf(&text, "%s: %s", name, n->class_text);
		if (n->class_text && n->max_throttled)
			buf_printf(&text, "; up to %u of them throttled",
				   n->max_throttled);
		for (unsigned k = 0; n->class_text && k < n->n_zones; k++)
			buf_printf(&text, "%s %s %d C", k ? "," : "; maximum",
				   n->zones[k].name,
				   ((int)n->zones[k].max_mk -
				    WIRE_ZERO_CELSIUS_MK) /
					   1000);
		if (text.len)
			nodes_check_print_line(out, buf_str(&text));
		buf_reset(&text);
		if (n->classes_merged) {
			buf_printf(
				&text,
				"%s: kfarmd cannot pin jobs to a core class, "
				"so all cores are counted together; run "
				"`kfarm nodes update %s`",
				name, name);
			nodes_check_print_line(out, buf_str(&text));
		}
		buf_release(&text);
	}
}

void nodes_burn_print(FILE *out, const struct nodes_check *c)
{
	struct table t = { 0 };
	struct buf took = { 0 };

	if (!c->trial->burn_in_elapsed_ms)
		return;
	format_duration(&took, c->trial->burn_in_elapsed_ms);
	fprintf(out, "\nburn-in of %s with %s%s\n", buf_str(&took), c->compiler,
		c->trial->cancelled ? ", interrupted" : "");
	buf_release(&took);

	for (size_t i = 0; i < c->trial->n_nodes; i++) {
		const struct admin_node_test_result *n = &c->trial->nodes[i];

		if (!n->burn_in.n_sent)
			continue;
		table_add_record(&t, &nodes_burn_record, n);
		if (admin_node_test_count_classes(n) <= 1)
			continue;
		for (unsigned k = 0; k < n->n_classes; k++) {
			if (n->class_results[k].n_cpus)
				table_add_record(&t, &class_record,
						 &n->class_results[k]);
		}
	}
	if (t.fields.n)
		table_print(out, &t);
	print_classes(out, c);

	/*
	 * If all nodes return the same wrong result for a unit, suspect the
	 * build host.
	 */
	if (admin_verdict_find_odd_unit(c->trial->nodes, c->trial->n_nodes) >=
	    0)
		nodes_check_print_finding(
			out, "this machine", "burn-in",
			"all nodes agree on a result that differs from this "
			"machine's: this machine may be faulty",
			"undo any overclocking of CPU and memory, and repeat "
			"the test");
	for (size_t i = 0; i < c->trial->n_nodes; i++) {
		const struct admin_verdict *v =
			&c->verdicts[i][ADMIN_VERDICT_ROW_BURN_IN];

		if (v->finding)
			nodes_check_print_finding(
				out, c->trial->nodes[i].entry->name, "burn-in",
				v->finding, v->advice);
	}
}

#define BURN_TIME "1h" /* default duration of --burn-in */

/* State of one `kfarm nodes check`. */
struct checking {
	struct nodes_request *request;
	struct admin_node_test trial;
	struct kernel_compiler compiler;
	char *compiler_name; /* "gcc 12.2.0", for display */
	char **status_texts; /* per node, borrowed by `progress` */
	struct progress *progress;
};

static const char *const stages[] = {
	[ADMIN_NODE_TEST_STAGE_HELLO] = "waiting for the hello message",
	[ADMIN_NODE_TEST_STAGE_BANDWIDTH] = "measuring the bandwidth",
	[ADMIN_NODE_TEST_STAGE_COMPILER] = "sending the compiler",
	[ADMIN_NODE_TEST_STAGE_CANARY] = "compiling the canary",
	[ADMIN_NODE_TEST_STAGE_KNOWN_ANSWER] = "running the known-answer test",
	[ADMIN_NODE_TEST_STAGE_READY] = "waiting for the other nodes",
};

/*
 * Show counts and temperature as the progress of node `i`, such as "1234
 * correct, 1 wrong, 0 crashed, 71 C".
 */
static void show_burn_status(struct checking *c, size_t i)
{
	const struct admin_node_test_result *n = &c->trial.nodes[i];
	const struct admin_node_test_count *count = &n->burn_in;
	char *heat = nodes_format_celsius(n->max_mk);
	char *text = xasprintf("%u correct, %u wrong, %u crashed%s%s",
			       count->n_right, count->n_wrong,
			       count->n_crashed + count_other_faults(count),
			       heat ? ", " : "", heat ? heat : "");

	free(heat);
	progress_set(c->progress, i, text, 0, 0);
	free(c->status_texts[i]);
	c->status_texts[i] = text;
}

static void on_progress(void *ctx)
{
	struct checking *c = ctx;
	const struct admin_node_test *t = &c->trial;

	for (size_t i = 0; i < t->n_nodes; i++) {
		if (t->stages[i] == ADMIN_NODE_TEST_STAGE_FINISHED)
			progress_end(c->progress, i);
		else if (t->stages[i] == ADMIN_NODE_TEST_STAGE_BURN_IN)
			show_burn_status(c, i);
		else
			progress_set(c->progress, i, stages[t->stages[i]], 0,
				     0);
	}
	if (t->burn_in_elapsed_ms)
		progress_count(c->progress, t->n_nodes, "seconds",
			       t->burn_in_elapsed_ms / 1000,
			       t->burn_in_ms / 1000);
	else if (t->n_sources)
		progress_count(c->progress, t->n_nodes,
			       "compiling the reference on this machine",
			       t->n_sources_done, t->n_sources);
	progress_tick(c->progress);
}

/*
 * Determine the duration of the burn-in from --burn-in=TIME.  Users also write
 * "--burn-in TIME".  Therefore, if --burn-in has no value, use the first word
 * of r->words that is a time but not the name of a node, and remove the word
 * from r->words.  Without such a word, use BURN_TIME.
 */
static int read_burn_time(struct checking *c, struct err *err)
{
	struct nodes_request *r = c->request;
	const char *text = r->burn_in_time;

	if (!text)
		return 0;
	for (size_t i = 0; !*text && i < r->words.n; i++) {
		char *word = r->words.v[i];

		if (!nodes_burn_parse_time(word) ||
		    node_roster_get(&r->roster, word))
			continue;
		c->trial.burn_in_ms = nodes_burn_parse_time(word);
		free(word);
		memmove(&r->words.v[i], &r->words.v[i + 1],
			(r->words.n-- - i) * sizeof(*r->words.v));
		return 0;
	}
	c->trial.burn_in_ms = nodes_burn_parse_time(*text ? text : BURN_TIME);
	return c->trial.burn_in_ms ?
		       0 :
		       err_set(err, EINVAL,
			       "--burn-in=%s: expected a number followed by "
			       "s, m, h or d, at most 7d",
			       text);
}

/*
 * Choose the target architecture of the compiler: --arch; or the build host's
 * architecture if -t is given or no default toolchain is configured; or the
 * architecture of the first configured default toolchain.
 */
static int find_arch(const struct nodes_request *r, const struct strv *standard,
		     struct kernel_arch *arch, struct err *err)
{
	char host[32], *name;
	int ret;

	kernel_arch_host(host);
	if (r->arch)
		return kernel_arch_find(arch, NULL, r->arch, err);
	if (r->toolchain || !standard->n) {
		ret = kernel_arch_find(arch, NULL, host, err);
		arch->guessed = true;
		return ret;
	}
	name = xstrndup(standard->v[0], strcspn(standard->v[0], "="));
	ret = kernel_arch_find(arch, NULL, name, err);
	free(name);
	return ret;
}

/* Choose the compiler to test with, and format its display name. */
static int choose_compiler_of_check(struct checking *c, struct err *err)
{
	struct strv standard = { 0 }, none = { 0 };
	struct kernel_compiler_request request = {
		.toolchain = c->request->toolchain,
		.variables = &none,
		.env = environ,
		.default_toolchains = &standard,
	};
	struct kernel_arch arch;
	int ret;

	settings_read_toolchains(c->request->conf, &standard);
	ret = find_arch(c->request, &standard, &arch, err);
	if (ret)
		goto out;
	ret = kernel_compiler_choose(&c->compiler, &arch, &request, err);
	if (ret)
		goto out;
	if (!*c->compiler.path) {
		ret = err_set(
			err, ENOENT,
			"%s: compiler with arguments; the check supports only "
			"a compiler without arguments",
			c->compiler.name);
		goto out;
	}
	c->compiler_name = xasprintf("%s %s", c->compiler.name,
				     c->compiler.version);
out:
	strv_release(&standard);
	return ret;
}

/* Mark the nodes on this machine; a tls: address can name it as well. */
static void find_build_host(struct admin_node_test *t)
{
	char *own = machine_sys_read_text("",
					  "/proc/sys/kernel/random/boot_id");

	for (size_t i = 0; own && i < t->n_nodes; i++)
		t->nodes[i].is_build_host = str_equal(t->nodes[i].boot_id, own);
	free(own);
}

/* Run the test with a progress row per node and a row for the burn-in. */
static int run_trial(struct checking *c, struct err *err)
{
	struct admin_node_test *t = &c->trial;
	char *db = peer_canary_db_path(), *data = fs_data_home();
	struct kernel_rundir rundir;
	int ret = kernel_rundir_create(&rundir, 1, err);

	if (ret)
		goto out;
	t->driver = c->compiler.path;
	t->env = environ;
	t->work_dir = rundir.work;
	t->canary_db = db;
	t->data_dir = data;
	t->cancel = settings_catch_signals();
	t->on_progress = on_progress;
	t->ctx = c;
	c->status_texts = xcalloc(t->n_nodes + 1, sizeof(*c->status_texts));
	c->progress = progress_new();
	for (size_t i = 0; i < t->n_nodes; i++)
		progress_add(c->progress, t->nodes[i].entry->name);
	progress_add(c->progress, "burn-in");
	ret = admin_node_test_run(t, err);
	find_build_host(t);
	progress_free(c->progress);
	kernel_rundir_release(&rundir);
out:
	free(data);
	free(db);
	return ret;
}

/* Print the results; return the exit status. */
static int report_check(const struct checking *c)
{
	struct nodes_check found;
	int status;

	nodes_check_judge(&found, &c->trial, c->compiler_name);
	if (c->request->json) {
		table_print_json(nodes_check_json(&found));
	} else {
		nodes_check_print(stdout, &found);
		nodes_burn_print(stdout, &found);
	}
	status = nodes_check_has_passed(&found) && !c->trial.compiler_error ?
			 EXIT_OK :
			 EXIT_USAGE;
	nodes_check_release(&found);
	if (c->trial.cancelled) {
		log_error(
			"nodes check: interrupted; \"-\" marks a test without "
			"a result");
		status = EXIT_INTERRUPTED;
	}
	return status;
}

int nodes_check_main(void *request)
{
	struct nodes_request *r = request;
	struct checking c = { .request = r };
	const struct node_entry **nodes;
	struct err err = { 0 };
	size_t n;
	int ret = nodes_load(r, &err), status;

	if (ret)
		goto out;
	ret = read_burn_time(&c, &err);
	if (ret)
		goto out;
	ret = nodes_select(r, &nodes, &n, &err);
	if (ret)
		goto out;
	c.trial.n_nodes = n;
	c.trial.nodes = xcalloc(n + 1, sizeof(*c.trial.nodes));
	for (size_t i = 0; i < n; i++)
		admin_node_test_result_init(&c.trial.nodes[i], nodes[i]);
	free(nodes);
	nodes_print_if_empty(r);
	ret = choose_compiler_of_check(&c, &err);
	if (!ret)
		ret = run_trial(&c, &err);
out:
	status = ret ? nodes_log_error(r, &err) : report_check(&c);
	for (size_t i = 0; i < c.trial.n_nodes; i++) {
		admin_node_test_result_release(&c.trial.nodes[i]);
		if (c.status_texts)
			free(c.status_texts[i]);
	}
	free(c.status_texts);
	free(c.trial.nodes);
	free(c.trial.compiler_error);
	free(c.compiler_name);
	kernel_compiler_release(&c.compiler);
	return status;
}
