/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/verdict.h"

#include "base/format.h"
#include "base/str.h"
#include "tls/pin.h"
#include "tls/session.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CLOCK_MS    10000 /* off by more: files and logs confuse people */
#define FREE_MIB    1024 /* a compiler, its units, what they write */
#define LINK_FAILED 10000000u /* bits a second: an old hub, a bad cable */
#define LINK_POOR   60000000u /* less than 100BASE-TX gives */
#define TIMES       3 /* so often the same is no accident */
#define HOT_MK      (WIRE_HEALTH_ZERO + 85000) /* most boards slow down */

static const char *const rows[] = {
	[PEER_VERDICT_REACH] = "reach",   [PEER_VERDICT_KEY] = "key",
	[PEER_VERDICT_CLOCK] = "clock",   [PEER_VERDICT_DISK] = "disk",
	[PEER_VERDICT_LINK] = "link",     [PEER_VERDICT_SANDBOX] = "sandbox",
	[PEER_VERDICT_CANARY] = "canary", [PEER_VERDICT_ANSWER] = "answer",
	[PEER_VERDICT_BURN] = "burn-in",
};

static const char *const states[] = {
	[PEER_VERDICT_UNTRIED] = "untried",
	[PEER_VERDICT_GOOD] = "good",
	[PEER_VERDICT_POOR] = "poor",
	[PEER_VERDICT_FAILED] = "failed",
};

const char *peer_verdict_name(enum peer_verdict_row row)
{
	return rows[row];
}

const char *peer_verdict_word(enum peer_verdict_is is)
{
	return states[is];
}

/* Takes over the three texts; brief NULL: the usual word. */
static void set_verdict(struct peer_verdict *v, enum peer_verdict_is is,
			char *brief, char *what, char *todo)
{
	v->is = is;
	free(v->brief);
	v->brief = brief                      ? brief :
		   is == PEER_VERDICT_UNTRIED ? xstrdup("-") :
		   is == PEER_VERDICT_FAILED  ? xstrdup("FAILED") :
						xstrdup("ok");
	v->what = what;
	v->todo = todo;
}

static void set_good(struct peer_verdict *v, char *brief)
{
	set_verdict(v, PEER_VERDICT_GOOD, brief, NULL, NULL);
}

/*
 * A reason as nodes and this machine give it: what is wrong, a divider (two
 * bytes go; NULL: it has none) and what to do; or without the latter, where
 * `todo` is it.
 */
static void set_reason(struct peer_verdict *v, const char *reason,
		       const char *divider, char *todo)
{
	const char *cut = divider ? strstr(reason, divider) : NULL;

	if (!cut) {
		set_verdict(v, PEER_VERDICT_FAILED, NULL, xstrdup(reason),
			    todo);
		return;
	}
	free(todo);
	set_verdict(v, PEER_VERDICT_FAILED, NULL,
		    xstrndup(reason, (size_t)(cut - reason)), xstrdup(cut + 2));
}

/* --------------------------------------------------------- being there */

static char *how_to_reach(const struct node_entry *e)
{
	switch (e->address.kind) {
	case NODE_SSH:
		return xasprintf("see whether it is on, and whether `ssh %s "
				 "kfarmd --version` answers without a "
				 "question",
				 e->address.text);
	case NODE_EXEC:
		return xstrdup("see what its command prints when it is "
			       "started by hand");
	case NODE_UNIX:
		return xasprintf("start it: `kfarmd --listen unix:%s`",
				 e->address.text);
	case NODE_TLS:
		return xasprintf("see whether it is on and its kfarmd runs "
				 "(`systemctl status kfarmd` there), and "
				 "whether a firewall lets its port through; "
				 "after a move, put its new address into "
				 "[node \"%s\"]",
				 e->name);
	}
	return NULL;
}

/* Somebody answered, and one of the two keys was not the right one. */
static bool refuses_key(const struct peer_trial_node *n)
{
	return !n->up && n->why && tls_session_refused_key(n->why);
}

static void judge_reach(struct peer_verdict *v, const struct peer_trial_node *n)
{
	/* Of several addresses each has its reason. */
	bool is_tls = n->entry->address.kind == NODE_TLS;

	if (refuses_key(n))
		set_good(v, NULL);
	else if (n->up && n->rtt_ms < 1000)
		set_good(v, xasprintf("%u ms", n->rtt_ms));
	else if (n->up)
		set_good(v, xasprintf("%.1f s", n->rtt_ms / 1000.0));
	else if (n->why)
		set_reason(v, n->why, is_tls ? NULL : "; ",
			   n->is_strange ?
				   xasprintf("`kfarm nodes update %s` brings "
					     "it the kfarmd of this version",
					     n->entry->name) :
				   how_to_reach(n->entry));
	else
		set_verdict(v, PEER_VERDICT_UNTRIED, NULL, NULL, NULL);
}

static void judge_key(struct peer_verdict *v, const struct peer_trial_node *n)
{
	const struct node_entry *e = n->entry;
	char pin[TLS_PIN_TEXT];

	if (n->clash) {
		set_verdict(v,
			    n->barred ? PEER_VERDICT_FAILED : PEER_VERDICT_POOR,
			    xstrdup(n->barred ? "FAILED" : "copied"),
			    xstrdup(n->clash), NULL);
	} else if (refuses_key(n)) {
		set_reason(v, n->why, "; ",
			   xasprintf("`kfarmd --init` there prints its key, to "
				     "be compared with `key =` of [node "
				     "\"%s\"], and /etc/kfarm/clients has the "
				     "keys that it lets in; `kfarm nodes rekey "
				     "%s` makes both anew by ssh",
				     e->name, e->name));
	} else if (e->address.kind == NODE_TLS && n->up) {
		tls_pin_text(&e->pin, pin);
		set_verdict(
			v, PEER_VERDICT_GOOD, NULL,
			xasprintf("it showed the key that is pinned, %s", pin),
			NULL);
	} else if (e->address.kind == NODE_SSH && n->up) {
		set_good(v, xstrdup("ssh"));
	} else {
		set_verdict(v, PEER_VERDICT_UNTRIED, NULL, NULL, NULL);
	}
}

static char *duration_words(uint64_t ms)
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

static void judge_clock(struct peer_verdict *v, const struct peer_trial_node *n)
{
	uint64_t off = (uint64_t)(n->clock_ms < 0 ? -n->clock_ms : n->clock_ms);
	char sign = n->clock_ms <= -50 ? '-' : '+';
	char *words;

	if (!n->has_clock) {
		set_verdict(v, PEER_VERDICT_UNTRIED, NULL, NULL, NULL);
		return;
	}
	if (off <= CLOCK_MS) {
		set_good(v, xasprintf("%c%.1f s", sign, (double)off / 1000));
		return;
	}
	words = duration_words(off);
	set_verdict(v, PEER_VERDICT_FAILED, NULL,
		    xasprintf("its clock is %s %s this machine's; jobs do not "
			      "mind, its logs and packages do",
			      words, n->clock_ms < 0 ? "behind" : "ahead of"),
		    xstrdup("set it from the network: `timedatectl set-ntp "
			    "true` there, or a package such as chrony; and see "
			    "whether this machine's own is right"));
	free(words);
}

static void judge_disk(struct peer_verdict *v, const struct peer_trial_node *n)
{
	char *amount;

	if (!n->has_free) {
		set_verdict(v, PEER_VERDICT_UNTRIED, NULL, NULL, NULL);
		return;
	}
	amount = n->free_mib < 10240 ?
			 xasprintf("%" PRIu64 " MiB", n->free_mib) :
			 xasprintf("%" PRIu64 " GiB", n->free_mib / 1024);
	if (n->free_mib >= FREE_MIB) {
		set_good(v, amount);
		return;
	}
	set_verdict(v, PEER_VERDICT_FAILED, NULL,
		    xasprintf("%s are free where its store is, less than a "
			      "compiler and its files may take (1 GiB)",
			      amount),
		    xstrdup("make room there, or start kfarmd with --store on "
			    "another disk"));
	free(amount);
}

static char *rate_words(uint64_t bits)
{
	return bits < 10000000 ? xasprintf("%.1f Mb/s", (double)bits / 1e6) :
				 xasprintf("%" PRIu64 " Mb/s", bits / 1000000);
}

static void judge_link(struct peer_verdict *v, const struct peer_trial_node *n)
{
	char *rate = rate_words(n->link_bits);

	if (n->link == PEER_LINK_UNTRIED) {
		set_verdict(v, PEER_VERDICT_UNTRIED, NULL, NULL, NULL);
	} else if (n->link == PEER_LINK_LATE || n->link_bits < LINK_FAILED) {
		set_verdict(
			v, PEER_VERDICT_FAILED, NULL,
			xasprintf("%s%s to it: its jobs wait for their bytes",
				  n->link == PEER_LINK_LATE ? "less than " : "",
				  rate),
			xstrdup("try another cable and another port of the "
				"switch; `ethtool` there says what was agreed "
				"on (100 or 1000 Mb/s, full duplex)"));
	} else if (n->link_bits < LINK_POOR) {
		set_verdict(v, PEER_VERDICT_POOR, xstrdup(rate),
			    xasprintf("%s to it: less than a cable of 100 "
				      "Mb/s gives",
				      rate),
			    xstrdup("see whether it is a wireless link, a bad "
				    "cable or half duplex"));
	} else {
		set_good(v, xstrdup(rate));
	}
	free(rate);
}

static void judge_sandbox(struct peer_verdict *v,
			  const struct peer_trial_node *n)
{
	if (!n->up)
		set_verdict(v, PEER_VERDICT_UNTRIED, NULL, NULL, NULL);
	else if (n->fit)
		set_good(v, NULL);
	else
		set_reason(v, n->why ? n->why : "it cannot make a sandbox",
			   "; ", xstrdup("kfarmd(8) has what a sandbox needs"));
}

/* ------------------------------------------------------------ compiling */

static unsigned count_bad(const struct peer_trial_count *c)
{
	return c->wrong + c->crashed + c->damaged + c->failed;
}

static char *bad_in_words(const struct peer_trial_count *c)
{
	static const char *const kinds[] = { "wrong", "crashed",
					     "damaged on the way", "not run" };
	unsigned n[] = { c->wrong, c->crashed, c->damaged, c->failed };
	struct strv words = { 0 };
	char *text;

	for (size_t i = 0; i < sizeof(n) / sizeof(*n); i++) {
		if (n[i])
			strv_addf(&words, "%u %s", n[i], kinds[i]);
	}
	text = strv_join(&words, ", ");
	strv_release(&words);
	return text;
}

/* What helps against the worst of it. */
static char *compile_todo(const struct peer_trial_node *n,
			  const struct peer_trial_count *c)
{
	const char *name = n->entry->name;

	if (c->wrong || c->crashed)
		return xasprintf("give it no jobs until that is found (`kfarm "
				 "nodes drain %s`): take back what raises its "
				 "clock or its memory's (`kfarm nodes tune %s "
				 "--revert`), look at its power supply and its "
				 "cooling, then `kfarm nodes check %s "
				 "--burn-in`",
				 name, name, name);
	if (c->damaged)
		return xasprintf("its memory or its way here changes bytes: "
				 "take back what raises its memory's clock, "
				 "then `kfarm nodes check %s --burn-in`",
				 name);
	return xstrdup("kfarmd's own words there say more (`journalctl -u "
		       "kfarmd`)");
}

static void judge_compiles(struct peer_verdict *v,
			   const struct peer_trial_node *n,
			   const struct peer_trial_count *c)
{
	char *bad;

	if (!c->asked && !count_bad(c)) {
		set_verdict(v, PEER_VERDICT_UNTRIED, NULL, NULL, NULL);
	} else if (!count_bad(c)) {
		set_good(v, NULL);
	} else {
		bad = bad_in_words(c);
		set_verdict(v, PEER_VERDICT_FAILED, NULL,
			    xasprintf("of %u: %s; %s", c->asked, bad,
				      c->first ? c->first : ""),
			    compile_todo(n, c));
		free(bad);
	}
}

static void judge_canary(struct peer_verdict *v,
			 const struct peer_trial_node *n, const char *compiler)
{
	if (n->lacks)
		set_reason(v, n->lacks, ": `",
			   xasprintf("`kfarm toolchain list --nodes %s` says "
				     "what it holds; -t tries another than %s",
				     n->entry->name, compiler));
	else
		judge_compiles(v, n, &n->canary);
}

static void judge_known_answer(struct peer_verdict *v,
			       const struct peer_trial_node *n)
{
	const struct peer_trial_count *c = &n->answer;

	if (count_bad(c))
		set_verdict(v, PEER_VERDICT_FAILED, NULL,
			    xstrdup(c->first ? c->first : "it came back wrong"),
			    compile_todo(n, c));
	else
		judge_compiles(v, n, c);
}

/* -------------------------------------------------------------- burn-in */

/* Wrong each time, often enough, and each time the same: no accident. */
static bool is_always_the_same(const struct peer_trial_node *n)
{
	bool any = false;

	for (size_t i = 0; i < PEER_TRIAL_UNITS; i++) {
		const struct peer_trial_unit *u = &n->unit[i];

		if (u->wrong && (u->right || u->varies || u->wrong < TIMES))
			return false;
		any = any || u->wrong;
	}
	return any;
}

/* ", all on its 2 Cortex-A72": where others were right.  The caller frees it.
 */
static char *where_it_erred(const struct peer_trial_node *n)
{
	const struct peer_trial_class *only = NULL;
	unsigned bad = 0;

	for (unsigned i = 0; i < n->n_classes; i++) {
		if (!count_bad(&n->class[i].burn))
			continue;
		only = &n->class[i];
		bad++;
	}
	if (bad != 1 || peer_trial_classes(n) < 2 ||
	    count_bad(&only->burn) != count_bad(&n->burn))
		return xstrdup("");
	return xasprintf(", all on its %u x %s", only->cpus, only->name);
}

static void judge_burn_answers(struct peer_verdict *v,
			       const struct peer_trial_node *n,
			       const char *compiler)
{
	const struct peer_trial_count *c = &n->burn;
	struct buf at = { 0 };
	char *bad = bad_in_words(c), *where = where_it_erred(n), *todo;

	format_time(&at, c->first_ms);
	todo = is_always_the_same(n) ?
		       xasprintf("the same each time is no accident: its build "
				 "of %s is another than this machine's; "
				 "`kfarm toolchain list --verify`",
				 compiler) :
		       compile_todo(n, c);
	set_verdict(v, PEER_VERDICT_FAILED, NULL,
		    xasprintf("of %u compiles: %s%s; the first after %s: %s",
			      c->asked, bad, where, buf_str(&at),
			      c->first ? c->first : "?"),
		    todo);
	buf_release(&at);
	free(where);
	free(bad);
}

static void judge_lost(struct peer_verdict *v, const struct peer_trial_node *n)
{
	if (n->restarts)
		set_verdict(v, PEER_VERDICT_FAILED, NULL,
			    xasprintf("it restarted %u time%s under load",
				      n->restarts, n->restarts == 1 ? "" : "s"),
			    xstrdup("a power supply that is too weak, or too "
				    "high a clock, does that: try another "
				    "one, then a lower clock"));
	else
		set_verdict(v, PEER_VERDICT_FAILED, NULL,
			    xasprintf("the conversation ended %u time%s under "
				      "load: %s",
				      n->lost, n->lost == 1 ? "" : "s",
				      n->lost_why ? n->lost_why : "?"),
			    xstrdup("see its power supply, its cable and "
				    "kfarmd's own words (`journalctl -u "
				    "kfarmd`)"));
}

static bool was_hot(const struct peer_trial_node *n)
{
	return n->hottest_mk != WIRE_HEALTH_UNKNOWN && n->hottest_mk >= HOT_MK;
}

/* ": its Cortex-A72 to 66 % for 4:05", of those classes that did. */
static char *what_slowed(const struct peer_trial_node *n)
{
	struct buf out = { 0 };

	for (unsigned i = 0; i < n->n_classes; i++) {
		const struct peer_trial_class *c = &n->class[i];

		if (!c->throttled_ms || peer_trial_classes(n) < 2)
			continue;
		buf_printf(&out, "%s its %s to %u %% for ", out.len ? "," : ":",
			   c->name, c->slowest_milli / 10);
		format_time(&out, c->throttled_ms);
	}
	return out.len ? buf_steal(&out) : xstrdup("");
}

static void judge_heat(struct peer_verdict *v, const struct peer_trial_node *n)
{
	char *slowed = what_slowed(n);
	struct buf how_long = { 0 };

	format_time(&how_long, n->throttled_ms);
	if (n->throttled_ms)
		set_verdict(v, PEER_VERDICT_POOR, xstrdup("slowed"),
			    xasprintf("it slowed down to %u %% of its clock, "
				      "for %s in all%s",
				      n->slowest_milli / 10, buf_str(&how_long),
				      slowed),
			    xstrdup("a heat sink or a fan; without one a lower "
				    "maximum clock computes as much and stays "
				    "cool"));
	else
		set_verdict(
			v, PEER_VERDICT_POOR, xstrdup("hot"),
			xasprintf("it was %u C hot",
				  (n->hottest_mk - WIRE_HEALTH_ZERO) / 1000),
			xstrdup("a heat sink or a fan"));
	buf_release(&how_long);
	free(slowed);
}

static void judge_burn(struct peer_verdict *v, const struct peer_trial_node *n,
		       const char *compiler)
{
	if (count_bad(&n->burn))
		judge_burn_answers(v, n, compiler);
	else if (n->lost || n->restarts)
		judge_lost(v, n);
	else if (!n->burn.asked)
		set_verdict(v, PEER_VERDICT_UNTRIED, NULL, NULL, NULL);
	else if (n->throttled_ms || was_hot(n))
		judge_heat(v, n);
	else
		set_good(v, NULL);
}

void peer_verdict(struct peer_verdict v[static PEER_VERDICTS],
		  const struct peer_trial_node *n, const char *compiler)
{
	memset(v, 0, PEER_VERDICTS * sizeof(*v));
	judge_reach(&v[PEER_VERDICT_REACH], n);
	judge_key(&v[PEER_VERDICT_KEY], n);
	judge_clock(&v[PEER_VERDICT_CLOCK], n);
	judge_disk(&v[PEER_VERDICT_DISK], n);
	judge_link(&v[PEER_VERDICT_LINK], n);
	judge_sandbox(&v[PEER_VERDICT_SANDBOX], n);
	judge_canary(&v[PEER_VERDICT_CANARY], n, compiler);
	judge_known_answer(&v[PEER_VERDICT_ANSWER], n);
	judge_burn(&v[PEER_VERDICT_BURN], n, compiler);
}

void peer_verdict_release(struct peer_verdict v[static PEER_VERDICTS])
{
	for (size_t i = 0; i < PEER_VERDICTS; i++) {
		free(v[i].brief);
		free(v[i].what);
		free(v[i].todo);
	}
}

bool peer_verdict_failed(const struct peer_verdict v[static PEER_VERDICTS])
{
	for (size_t i = 0; i < PEER_VERDICTS; i++) {
		if (v[i].is == PEER_VERDICT_FAILED)
			return true;
	}
	return false;
}

/* Was this unit wrong on all who compiled it, and in one way? */
static bool is_odd_unit(const struct peer_trial_node *nodes, size_t n,
			size_t unit)
{
	const struct digest *is = NULL;
	unsigned agree = 0;

	for (size_t i = 0; i < n; i++) {
		const struct peer_trial_unit *u = &nodes[i].unit[unit];

		if (u->right || u->varies ||
		    (u->wrong && is && !digest_equal(is, &u->is)))
			return false;
		if (u->wrong)
			is = &u->is;
		agree += u->wrong != 0;
	}
	return agree > 1;
}

int peer_verdict_odd_unit(const struct peer_trial_node *nodes, size_t n)
{
	for (size_t i = 0; i < PEER_TRIAL_UNITS; i++) {
		if (is_odd_unit(nodes, n, i))
			return (int)i;
	}
	return -1;
}
