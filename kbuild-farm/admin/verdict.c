/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "admin/verdict.h"

#include "base/format.h"
#include "base/str.h"
#include "base/vec.h"
#include "node/own-key.h"
#include "tls/key.h"
#include "tls/session.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A larger offset confuses logs and file times. */
#define CLOCK_OFFSET_MAX_MS 10000
#define FREE_MIN_MIB        1024 /* space for a compiler, units and outputs */
#define FAILED_BITS_PER_S   10000000u /* lower: an old hub or a bad cable */
#define POOR_BITS_PER_S     60000000u /* 100BASE-TX achieves more */
#define REPEATS_MIN         3 /* number of equal results that excludes chance */
/* most boards throttle at this temperature */
#define HOT_MIN_MK (WIRE_ZERO_CELSIUS_MK + 85000)

static const char *const row_names[] = {
	[ADMIN_VERDICT_ROW_REACH] = "reach",
	[ADMIN_VERDICT_ROW_KEY] = "key",
	[ADMIN_VERDICT_ROW_CLOCK] = "clock",
	[ADMIN_VERDICT_ROW_DISK] = "disk",
	[ADMIN_VERDICT_ROW_BANDWIDTH] = "link",
	[ADMIN_VERDICT_ROW_SANDBOX] = "sandbox",
	[ADMIN_VERDICT_ROW_CANARY] = "canary",
	[ADMIN_VERDICT_ROW_KNOWN_ANSWER] = "answer",
	[ADMIN_VERDICT_ROW_BURN_IN] = "burn-in",
};

static const char *const grade_names[] = {
	[ADMIN_VERDICT_GRADE_UNTESTED] = "untried",
	[ADMIN_VERDICT_GRADE_GOOD] = "good",
	[ADMIN_VERDICT_GRADE_POOR] = "poor",
	[ADMIN_VERDICT_GRADE_FAILED] = "failed",
};

const char *admin_verdict_row_name(enum admin_verdict_row row)
{
	return row_names[row];
}

const char *admin_verdict_grade_name(enum admin_verdict_grade is)
{
	return grade_names[is];
}

/*
 * Each judge_*() function fills one row and leaves it UNTESTED if there is no
 * data.  The texts are displayed to the user: `what` is the problem, `todo` the
 * advice.
 *
 * set_verdict() takes ownership of the texts.  If `brief` is NULL, the summary
 * is the grade's default word.
 */
static void set_verdict(struct admin_verdict *v, enum admin_verdict_grade is,
			char *brief, char *what, char *todo)
{
	v->grade = is;
	free(v->summary);
	v->summary = brief                            ? brief :
		     is == ADMIN_VERDICT_GRADE_FAILED ? xstrdup("FAILED") :
							xstrdup("ok");
	v->finding = what;
	v->advice = todo;
}

static void set_good(struct admin_verdict *v, char *brief)
{
	set_verdict(v, ADMIN_VERDICT_GRADE_GOOD, brief, NULL, NULL);
}

/*
 * Record a failure.  If `reason` contains `divider`, which has two bytes, the
 * text before it is the problem and the text after it is the advice.  If not,
 * `reason` is the problem and `todo` is the advice.
 */
static void set_reason(struct admin_verdict *v, const char *reason,
		       const char *divider, char *todo)
{
	const char *cut = divider ? strstr(reason, divider) : NULL;

	if (!cut) {
		set_verdict(v, ADMIN_VERDICT_GRADE_FAILED, NULL,
			    xstrdup(reason), todo);
		return;
	}
	free(todo);
	set_verdict(v, ADMIN_VERDICT_GRADE_FAILED, NULL,
		    xstrndup(reason, (size_t)(cut - reason)), xstrdup(cut + 2));
}

/* --------------------------------------------------------- connection */

static char *reach_advice(const struct node_entry *e)
{
	switch (e->address.kind) {
	case NODE_ADDRESS_SSH:
		return xasprintf("check that the node is on and that `ssh %s "
				 "kfarmd --version` works without a prompt",
				 e->address.text);
	case NODE_ADDRESS_EXEC:
		return xstrdup("run the command of the address by hand and "
			       "check its output");
	case NODE_ADDRESS_UNIX:
		return xasprintf("start it with `kfarmd --listen unix:%s`",
				 e->address.text);
	case NODE_ADDRESS_TLS:
		return xasprintf("check that the node is on, that kfarmd is "
				 "running (`systemctl status kfarmd` or "
				 "`service kfarmd status` on the node) and "
				 "that no firewall blocks its port; if its "
				 "address has changed, update [node \"%s\"]",
				 e->name);
	}
	return NULL;
}

/* Return true if the connection worked but a key was wrong. */
static bool is_key_rejected(const struct admin_node_test_result *n)
{
	return !n->up && n->error && tls_session_is_key_error(n->error);
}

/* Return true if the build host has no key to connect with. */
static bool is_own_key_missing(const struct admin_node_test_result *n)
{
	return !n->up && n->error && node_own_key_is_missing_error(n->error);
}

static void judge_reach(struct admin_verdict *v,
			const struct admin_node_test_result *n)
{
	/*
	 * The error of a tls: node can contain several reasons, separated by
	 * "; ", so do not split it into problem and advice.
	 */
	bool is_tls = n->entry->address.kind == NODE_ADDRESS_TLS;

	if (is_key_rejected(n))
		set_good(v, NULL);
	else if (n->up && n->rtt_ms < 1000)
		set_good(v, xasprintf("%u ms", n->rtt_ms));
	else if (n->up)
		set_good(v, xasprintf("%.1f s", n->rtt_ms / 1000.0));
	else if (n->error && !is_own_key_missing(n))
		set_reason(v, n->error, is_tls ? NULL : "; ",
			   n->incompatible ?
				   xasprintf("run `kfarm nodes update %s` to "
					     "install the matching kfarmd",
					     n->entry->name) :
				   reach_advice(n->entry));
}

static void judge_key(struct admin_verdict *v,
		      const struct admin_node_test_result *n)
{
	const struct node_entry *e = n->entry;
	char pin[TLS_KEY_FINGERPRINT_SIZE];

	if (n->duplicate_text) {
		set_verdict(v,
			    n->excluded ? ADMIN_VERDICT_GRADE_FAILED :
					  ADMIN_VERDICT_GRADE_POOR,
			    xstrdup(n->excluded ? "FAILED" : "copied"),
			    xstrdup(n->duplicate_text), NULL);
	} else if (is_own_key_missing(n)) {
		set_verdict(v, ADMIN_VERDICT_GRADE_FAILED, NULL,
			    xstrndup(n->error, strcspn(n->error, ";")),
			    xasprintf("restore the file, or run `kfarm nodes "
				      "update %s`, which creates a key and "
				      "registers it on the node",
				      e->name));
	} else if (is_key_rejected(n)) {
		/*
		 * In the message about a rejection, "; " precedes the advice.
		 * In any other message, "; " separates the reasons of several
		 * addresses.
		 */
		set_reason(
			v, n->error,
			tls_session_is_rejection(n->error) ? "; " : NULL,
			xasprintf("compare the key printed by `kfarmd --init` "
				  "on the node with `key =` of [node \"%s\"]; "
				  "`kfarm nodes rekey %s` creates a new key "
				  "through ssh and records it",
				  e->name, e->name));
	} else if (e->address.kind == NODE_ADDRESS_TLS && n->up) {
		tls_key_format_fingerprint(&e->pin, pin);
		set_verdict(v, ADMIN_VERDICT_GRADE_GOOD, NULL,
			    xasprintf("key matches the configuration: %s", pin),
			    NULL);
	} else if (e->address.kind == NODE_ADDRESS_SSH && n->up) {
		set_good(v, xstrdup("ssh"));
	}
}

static char *format_clock_offset(uint64_t ms)
{
	uint64_t s = ms / 1000;

	if (s < 120)
		return xasprintf("%" PRIu64 ".%u s", s,
				 (unsigned)(ms % 1000 / 100));
	if (s < 7200)
		return xasprintf("%" PRIu64 " min", s / 60);
	if (s < 2 * 86400)
		return xasprintf("%" PRIu64 " h", s / 3600);
	if (s < 730 * 86400u)
		return xasprintf("%" PRIu64 " days", s / 86400);
	return xasprintf("%.1f years", (double)s / (365.25 * 86400));
}

static void judge_clock(struct admin_verdict *v,
			const struct admin_node_test_result *n)
{
	uint64_t off = (uint64_t)(n->clock_offset_ms < 0 ? -n->clock_offset_ms :
							   n->clock_offset_ms);
	char sign = n->clock_offset_ms <= -50 ? '-' : '+';
	char *words;

	if (!n->has_clock)
		return;
	if (off <= CLOCK_OFFSET_MAX_MS) {
		set_good(v, xasprintf("%c%.1f s", sign, (double)off / 1000));
		return;
	}
	words = format_clock_offset(off);
	set_verdict(v, ADMIN_VERDICT_GRADE_FAILED, NULL,
		    xasprintf("clock is %s %s this machine's: harmless for "
			      "jobs, but not for logs and package updates",
			      words,
			      n->clock_offset_ms < 0 ? "behind" : "ahead of"),
		    xstrdup("check the clock of this machine, then run "
			    "`timedatectl set-ntp true` on the node or install "
			    "an NTP client such as chrony"));
	free(words);
}

/* kfarmd needs space for a compiler, its inputs and its outputs. */
static void judge_disk(struct admin_verdict *v,
		       const struct admin_node_test_result *n)
{
	char *amount;

	if (!n->has_free)
		return;
	amount = n->free_mib < 10240 ?
			 xasprintf("%" PRIu64 " MiB", n->free_mib) :
			 xasprintf("%" PRIu64 " GiB", n->free_mib / 1024);
	if (n->free_mib >= FREE_MIN_MIB) {
		set_good(v, amount);
		return;
	}
	set_verdict(v, ADMIN_VERDICT_GRADE_FAILED, NULL,
		    xasprintf("only %s free for its store: a compiler and its "
			      "inputs may need 1 GiB",
			      amount),
		    xstrdup("free disk space on the node, or start kfarmd with "
			    "--store on another disk"));
	free(amount);
}

#define LOG_ADVICE "see the log of kfarmd on the node (`journalctl -u kfarmd`)"
#define LINK_ADVICE                                            \
	"try another cable and switch port; run `ethtool` on " \
	"the node to check the negotiated mode (100 or 1000 Mb/s, full duplex)"
#define LOAD_ADVICE                                      \
	"the node is this machine, which was too busy: " \
	"repeat the check while no other programs run"

/*
 * Return a copy of `advice`.  If kfarm reaches the node through a network (tls:
 * or ssh:), add a sentence about the MTU.  The caller frees the text.
 */
static char *add_mtu_advice(const struct admin_node_test_result *n,
			    const char *advice)
{
	if (n->is_build_host || (n->entry->address.kind != NODE_ADDRESS_TLS &&
				 n->entry->address.kind != NODE_ADDRESS_SSH))
		return xstrdup(advice);
	return xasprintf("%s; if `ping -M do -s 1472 ADDRESS` to the node gets "
			 "no answer, the network drops large packets: set a "
			 "smaller MTU on both machines (`ip link set DEVICE "
			 "mtu 1400`)",
			 advice);
}

/* Record that the session was lost during the test of this row. */
static void set_lost(struct admin_verdict *v,
		     const struct admin_node_test_result *n)
{
	set_verdict(v, ADMIN_VERDICT_GRADE_FAILED, NULL,
		    xasprintf("the connection was lost: %s", n->lost_reason),
		    add_mtu_advice(n, LOG_ADVICE));
}

static void judge_bandwidth(struct admin_verdict *v,
			    const struct admin_node_test_result *n)
{
	uint64_t bits = n->bits_per_s;
	const char *advice = n->is_build_host ? LOAD_ADVICE : LINK_ADVICE;
	char *rate;

	if (n->lost_stage == ADMIN_NODE_TEST_STAGE_BANDWIDTH) {
		set_lost(v, n);
		return;
	}
	if (n->bandwidth == ADMIN_NODE_TEST_BANDWIDTH_UNTESTED)
		return;
	rate = bits < 10000000 ? xasprintf("%.1f Mb/s", (double)bits / 1e6) :
				 xasprintf("%" PRIu64 " Mb/s", bits / 1000000);
	if (n->bandwidth == ADMIN_NODE_TEST_BANDWIDTH_TIMEOUT) {
		set_verdict(v, ADMIN_VERDICT_GRADE_FAILED, NULL,
			    xasprintf("bandwidth is less than %s: jobs wait "
				      "for their inputs",
				      rate),
			    add_mtu_advice(n, advice));
	} else if (n->bits_per_s < FAILED_BITS_PER_S) {
		set_verdict(v, ADMIN_VERDICT_GRADE_FAILED, NULL,
			    xasprintf("bandwidth is %s: jobs wait for their "
				      "inputs",
				      rate),
			    xstrdup(advice));
	} else if (n->bits_per_s < POOR_BITS_PER_S) {
		set_verdict(v, ADMIN_VERDICT_GRADE_POOR, xstrdup(rate),
			    xasprintf("bandwidth is %s, less than that of "
				      "100 Mb/s Ethernet",
				      rate),
			    xstrdup(n->is_build_host ?
					    LOAD_ADVICE :
					    "check for a wireless link, a bad "
					    "cable or half duplex"));
	} else {
		set_good(v, xstrdup(rate));
	}
	free(rate);
}

/* prefix of a relay's error, in which "; " separates the members' problems */
#define RELAY_ERROR "no member is usable: "

static void judge_sandbox(struct admin_verdict *v,
			  const struct admin_node_test_result *n)
{
	if (!n->up)
		return;
	if (n->fit)
		set_good(v, NULL);
	else if (n->error && str_starts(n->error, RELAY_ERROR))
		set_reason(
			v, n->error, NULL,
			xstrdup("run `kfarmd --status` on the machine of "
				"the relay to see the state of its members"));
	else
		set_reason(v, n->error ? n->error : "cannot create a sandbox",
			   "; ", xstrdup("see kfarmd(8) for the requirements"));
}

/* ----------------------------------------------------------- compiles */

static unsigned count_bad(const struct admin_node_test_count *c)
{
	return c->n_wrong + c->n_crashed + c->n_damaged + c->n_failed;
}

static char *describe_bad_results(const struct admin_node_test_count *c)
{
	static const char *const kinds[] = { "wrong", "crashed",
					     "damaged in transit", "not run" };
	unsigned n[] = { c->n_wrong, c->n_crashed, c->n_damaged, c->n_failed };
	struct strv words = { 0 };
	char *text;

	for (size_t i = 0; i < ARRAY_SIZE(n); i++) {
		if (n[i])
			strv_addf(&words, "%u %s", n[i], kinds[i]);
	}
	text = strv_join(&words, ", ");
	strv_release(&words);
	return text;
}

/* Return the advice for the most severe problem. */
static char *compile_advice(const struct admin_node_test_result *n,
			    const struct admin_node_test_count *c)
{
	const char *name = n->entry->name;

	if (c->n_wrong || c->n_crashed)
		return xasprintf(
			"drain the node (`kfarm nodes drain %s`), "
			"revert overclocking of CPU and memory (`kfarm "
			"nodes tune %s --revert`), check power supply "
			"and cooling, then run `kfarm nodes check %s "
			"--burn-in`",
			name, name, name);
	if (c->n_damaged)
		return xasprintf("its memory or the network corrupts data; "
				 "revert overclocking of the memory, then run "
				 "`kfarm nodes check %s --burn-in`",
				 name);
	return xstrdup(LOG_ADVICE);
}

static void judge_compiles(struct admin_verdict *v,
			   const struct admin_node_test_result *n,
			   const struct admin_node_test_count *c)
{
	char *bad;

	if (count_bad(c)) {
		bad = describe_bad_results(c);
		set_verdict(v, ADMIN_VERDICT_GRADE_FAILED, NULL,
			    xasprintf("of %u compiles: %s; first error: %s",
				      c->n_sent, bad,
				      c->first_error ? c->first_error : ""),
			    compile_advice(n, c));
		free(bad);
	} else if (c->n_sent) {
		set_good(v, NULL);
	}
}

static void judge_canary(struct admin_verdict *v,
			 const struct admin_node_test_result *n,
			 const char *compiler)
{
	if (!count_bad(&n->canary) &&
	    (n->lost_stage == ADMIN_NODE_TEST_STAGE_COMPILER ||
	     n->lost_stage == ADMIN_NODE_TEST_STAGE_CANARY))
		set_lost(v, n);
	else if (n->missing_reason)
		set_reason(
			v, n->missing_reason, "; ",
			xasprintf(
				"run `kfarm toolchain list --nodes %s` to list "
				"its toolchains, or select a compiler other "
				"than %s with -t",
				n->entry->name, compiler));
	else
		judge_compiles(v, n, &n->canary);
}

static void judge_known_answer(struct admin_verdict *v,
			       const struct admin_node_test_result *n)
{
	const struct admin_node_test_count *c = &n->known_answer;

	if (count_bad(c))
		set_verdict(v, ADMIN_VERDICT_GRADE_FAILED, NULL,
			    xstrdup(c->first_error ? c->first_error :
						     "wrong result"),
			    compile_advice(n, c));
	/* Also report a loss in the stage READY, which has no row. */
	else if (n->lost_stage == ADMIN_NODE_TEST_STAGE_KNOWN_ANSWER ||
		 n->lost_stage == ADMIN_NODE_TEST_STAGE_READY)
		set_lost(v, n);
	else
		judge_compiles(v, n, c);
}

/* ------------------------------------------------------------ burn-in */

/*
 * Return true if the errors are systematic: each affected unit had at least
 * REPEATS_MIN wrong results, all equal, and no right result.
 */
static bool is_error_deterministic(const struct admin_node_test_result *n)
{
	bool any = false;

	for (size_t i = 0; i < ADMIN_NODE_TEST_UNITS_MAX; i++) {
		const struct admin_node_test_unit *u = &n->units[i];

		if (u->n_wrong &&
		    (u->n_right || u->inconsistent || u->n_wrong < REPEATS_MIN))
			return false;
		any = any || u->n_wrong;
	}
	return any;
}

/*
 * If all errors occurred on one of several core classes, return a text such as
 * ", all on 2 x Cortex-A72", otherwise "".  The caller frees the text.
 */
static char *describe_bad_class(const struct admin_node_test_result *n)
{
	const struct admin_node_test_class *only = NULL;
	unsigned bad = 0;

	for (unsigned i = 0; i < n->n_classes; i++) {
		if (!count_bad(&n->class_results[i].burn_in))
			continue;
		only = &n->class_results[i];
		bad++;
	}
	if (bad != 1 || admin_node_test_count_classes(n) < 2 ||
	    count_bad(&only->burn_in) != count_bad(&n->burn_in))
		return xstrdup("");
	return xasprintf(", all on %u x %s", only->n_cpus, only->name);
}

static void judge_burn_in_results(struct admin_verdict *v,
				  const struct admin_node_test_result *n,
				  const char *compiler)
{
	const struct admin_node_test_count *c = &n->burn_in;
	struct buf at = { 0 };
	char *bad = describe_bad_results(c), *where = describe_bad_class(n),
	     *todo;

	format_time(&at, c->first_error_ms);
	todo = is_error_deterministic(n) ?
		       xasprintf(
			       "identical errors point to a different build of "
			       "%s on the node; run `kfarm toolchain verify`",
			       compiler) :
		       compile_advice(n, c);
	set_verdict(v, ADMIN_VERDICT_GRADE_FAILED, NULL,
		    xasprintf("of %u compiles: %s%s; first error after %s: %s",
			      c->n_sent, bad, where, buf_str(&at),
			      c->first_error ? c->first_error : "?"),
		    todo);
	buf_release(&at);
	free(where);
	free(bad);
}

/* A changed boot id distinguishes a restart from a lost connection. */
static void judge_lost_sessions(struct admin_verdict *v,
				const struct admin_node_test_result *n)
{
	if (n->n_restarts)
		set_verdict(
			v, ADMIN_VERDICT_GRADE_FAILED, NULL,
			xasprintf("restarted %u time%s under load",
				  n->n_restarts, format_plural(n->n_restarts)),
			xstrdup("likely a weak power supply or a clock that is "
				"too high; try another power supply, then a "
				"lower clock"));
	else
		set_verdict(
			v, ADMIN_VERDICT_GRADE_FAILED, NULL,
			xasprintf("connection lost %u time%s under load: "
				  "%s",
				  n->n_lost, format_plural(n->n_lost),
				  n->lost_reason ? n->lost_reason : "?"),
			xstrdup(n->is_build_host ?
					LOG_ADVICE :
					"check the power supply, the network "
					"cable and the log of kfarmd "
					"(`journalctl -u kfarmd`)"));
}

static void judge_heat(struct admin_verdict *v,
		       const struct admin_node_test_result *n)
{
	struct buf how_long = { 0 }, slowed = { 0 };

	format_time(&how_long, n->throttled_ms);
	/* For each throttled class: ": Cortex-A72 to 66 % for 4:05". */
	for (unsigned i = 0; i < n->n_classes; i++) {
		const struct admin_node_test_class *c = &n->class_results[i];

		if (!c->throttled_ms || admin_node_test_count_classes(n) < 2)
			continue;
		buf_printf(&slowed, "%s %s to %u %% for ",
			   slowed.len ? "," : ":", c->name,
			   c->min_speed_milli / 10);
		format_time(&slowed, c->throttled_ms);
	}
	if (n->throttled_ms)
		set_verdict(
			v, ADMIN_VERDICT_GRADE_POOR, xstrdup("slowed"),
			xasprintf("throttled to %u %% of the maximum clock "
				  "for %s in total%s",
				  n->min_speed_milli / 10, buf_str(&how_long),
				  buf_str(&slowed)),
			xstrdup("add a heat sink or a fan; otherwise, a lower "
				"maximum clock gives the same throughput at a "
				"lower temperature"));
	else
		set_verdict(
			v, ADMIN_VERDICT_GRADE_POOR, xstrdup("hot"),
			xasprintf("reached %u C",
				  (n->max_mk - WIRE_ZERO_CELSIUS_MK) / 1000),
			xstrdup("add a heat sink or a fan"));
	buf_release(&how_long);
	buf_release(&slowed);
}

/* Report the worst problem: wrong results, then lost sessions, then heat. */
static void judge_burn_in(struct admin_verdict *v,
			  const struct admin_node_test_result *n,
			  const char *compiler)
{
	bool is_hot = n->throttled_ms || (n->max_mk != WIRE_HEALTH_UNKNOWN &&
					  n->max_mk >= HOT_MIN_MK);

	if (count_bad(&n->burn_in))
		judge_burn_in_results(v, n, compiler);
	else if (n->n_lost || n->n_restarts)
		judge_lost_sessions(v, n);
	else if (n->burn_in.n_sent && is_hot)
		judge_heat(v, n);
	else if (n->burn_in.n_sent)
		set_good(v, NULL);
}

void admin_verdict(struct admin_verdict v[static ADMIN_VERDICT_COUNT],
		   const struct admin_node_test_result *n, const char *compiler)
{
	for (size_t i = 0; i < ADMIN_VERDICT_COUNT; i++) {
		v[i] = (struct admin_verdict){
			.grade = ADMIN_VERDICT_GRADE_UNTESTED,
			.summary = xstrdup("-"),
		};
	}
	judge_reach(&v[ADMIN_VERDICT_ROW_REACH], n);
	judge_key(&v[ADMIN_VERDICT_ROW_KEY], n);
	judge_clock(&v[ADMIN_VERDICT_ROW_CLOCK], n);
	judge_disk(&v[ADMIN_VERDICT_ROW_DISK], n);
	judge_bandwidth(&v[ADMIN_VERDICT_ROW_BANDWIDTH], n);
	judge_sandbox(&v[ADMIN_VERDICT_ROW_SANDBOX], n);
	judge_canary(&v[ADMIN_VERDICT_ROW_CANARY], n, compiler);
	judge_known_answer(&v[ADMIN_VERDICT_ROW_KNOWN_ANSWER], n);
	judge_burn_in(&v[ADMIN_VERDICT_ROW_BURN_IN], n, compiler);
}

void admin_verdict_release(struct admin_verdict v[static ADMIN_VERDICT_COUNT])
{
	for (size_t i = 0; i < ADMIN_VERDICT_COUNT; i++) {
		free(v[i].summary);
		free(v[i].finding);
		free(v[i].advice);
	}
}

bool admin_verdict_has_failed(
	const struct admin_verdict v[static ADMIN_VERDICT_COUNT])
{
	for (size_t i = 0; i < ADMIN_VERDICT_COUNT; i++) {
		if (v[i].grade == ADMIN_VERDICT_GRADE_FAILED)
			return true;
	}
	return false;
}

/*
 * Return true if at least two nodes returned wrong results for this unit, all
 * equal, and no node returned a right result.
 */
static bool is_odd_unit(const struct admin_node_test_result *nodes, size_t n,
			size_t unit)
{
	const struct digest *is = NULL;
	unsigned agree = 0;

	for (size_t i = 0; i < n; i++) {
		const struct admin_node_test_unit *u = &nodes[i].units[unit];

		if (u->n_right || u->inconsistent ||
		    (u->n_wrong && is && !digest_equal(is, &u->wrong_digest)))
			return false;
		if (u->n_wrong)
			is = &u->wrong_digest;
		agree += u->n_wrong != 0;
	}
	return agree > 1;
}

int admin_verdict_find_odd_unit(const struct admin_node_test_result *nodes,
				size_t n)
{
	for (size_t i = 0; i < ADMIN_NODE_TEST_UNITS_MAX; i++) {
		if (is_odd_unit(nodes, n, i))
			return (int)i;
	}
	return -1;
}
