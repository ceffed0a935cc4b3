/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "generate.h"

#include "generate-words.h"

#include <stdbool.h>
#include <string.h>

struct here {
	const char *mark;
	bool tabs;
};

struct generator {
	uint64_t state;
	struct buf *out;
	int depth;
	/*
	 * nesting depth of quotes and substitutions, which exclude
	 * here-documents
	 */
	int inside;
	struct here heres[4]; /* pending until the next newline */
	int n_heres;
	int loops;
	int left; /* number of further commands allowed */
};

static unsigned random_below(struct generator *g, unsigned n)
{
	g->state ^= g->state << 13;
	g->state ^= g->state >> 7;
	g->state ^= g->state << 17;
	return (unsigned)((g->state >> 20) % n);
}

static bool chance(struct generator *g, unsigned percent)
{
	return random_below(g, 100) < percent;
}

#define PICK(g, list) list[random_below(g, sizeof(list) / sizeof(*(list)))]

static void text(struct generator *g, const char *s)
{
	buf_add_str(g->out, s);
}

static void gen_list(struct generator *g);
static void gen_word(struct generator *g);

static void gen_name(struct generator *g)
{
	text(g, PICK(g, names));
}

/* Patterns of one word, for ${v%...}. */
static void gen_cut(struct generator *g)
{
	static const char *const cuts[] = { "*",     "?",  "a*",     "*b",
					    "[a-c]", ".*", "*/",     "\"*\"",
					    "' '*",  "$w", "\"$w\"", "\\*",
					    "*.",    "x",  "*[!c]" };

	text(g, PICK(g, cuts));
}

static void gen_braces(struct generator *g, bool in_quotes)
{
	const char *op = PICK(g, operators);

	text(g, "${");
	if (chance(g, 12)) {
		text(g, "#");
		gen_name(g);
		text(g, "}");
		return;
	}
	gen_name(g);
	text(g, op);
	if (op[0] == '%' || op[0] == '#')
		gen_cut(g);
	else if (in_quotes && chance(g, 90))
		text(g, PICK(g, operands));
	else if (chance(g, 25))
		text(g, "a 'b c' d");
	else if (chance(g, 70) && g->depth < 5)
		gen_word(g);
	text(g, "}");
}

static void gen_substitution(struct generator *g)
{
	bool old = chance(g, 20);

	if (g->depth > 4 || g->left <= 0 || (old && g->inside > 3)) {
		text(g, "$(echo sub)");
		return;
	}
	if (old) {
		/* Nested constructs in backquotes would need backslashes. */
		text(g,
		     chance(g, 50) ? "`echo \"a  $v\"`" : "`echo \\$v; false`");
		return;
	}
	g->inside++;
	g->depth++;
	text(g, "$( ");
	gen_list(g);
	text(g, " )");
	g->depth--;
	g->inside--;
}

static void gen_double(struct generator *g)
{
	text(g, "\"");
	for (unsigned i = random_below(g, 3) + 1; i; i--) {
		switch (random_below(g, 6)) {
		case 0:
			text(g, "a  b");
			break;
		case 1:
			text(g, "$");
			gen_name(g);
			break;
		case 2:
			/*
			 * A quoted word in quotes must not contain further
			 * quotes.
			 */
			text(g, "${v-a 'b' $w}");
			break;
		case 3:
			gen_substitution(g);
			break;
		case 4:
			text(g, "\\\"*\\$");
			break;
		default:
			text(g, PICK(g, special));
		}
	}
	text(g, "\"");
}

static void gen_piece(struct generator *g)
{
	switch (random_below(g, 14)) {
	case 0:
	case 1:
	case 2:
		text(g, PICK(g, quoted));
		break;
	case 3:
	case 4:
		text(g, "$");
		gen_name(g);
		/* End the name, so that the next piece is not part of it. */
		text(g, "\"\"");
		break;
	case 5:
		text(g, "\"$");
		gen_name(g);
		text(g, "\"");
		break;
	case 6:
		gen_braces(g, false);
		break;
	case 7:
		text(g, PICK(g, special));
		break;
	case 8:
		gen_substitution(g);
		break;
	case 9:
		gen_double(g);
		break;
	case 10:
		text(g, PICK(g, globs));
		break;
	case 11:
		text(g, "\"");
		gen_braces(g, true);
		text(g, "\"");
		break;
	default:
		text(g, PICK(g, plain));
	}
}

static void gen_word(struct generator *g)
{
	g->depth++;
	do {
		gen_piece(g);
	} while (chance(g, 25));
	if (!g->inside && chance(g, 1) && chance(g, 10)) {
		for (int i = 0; i < 700; i++)
			text(g, "long-word-");
	}
	g->depth--;
}

static void gen_words(struct generator *g, unsigned max)
{
	for (unsigned n = random_below(g, max + 1); n; n--) {
		text(g, " ");
		gen_word(g);
	}
}

static void gen_here(struct generator *g)
{
	static const char *const marks[] = { "E", "'E'", "\"E F\"", "\\E",
					     "E" };
	const char *mark = PICK(g, marks);
	struct here *here = &g->heres[g->n_heres];

	if (g->inside || g->n_heres == 4) {
		text(g, " <f1");
		return;
	}
	here->tabs = chance(g, 30);
	here->mark = strstr(mark, "E F") ? "E F" : "E";
	text(g, here->tabs ? " <<-" : " <<");
	text(g, mark);
	g->n_heres++;
}

static void end_heres(struct generator *g)
{
	static const char *const lines[] = {
		"plain text\n",
		"$v and \"$w\" '$x'\n",
		"\ttabs\t$?\n",
		"\\$v \\\\ \\\" \\a\n",
		"$(echo in here) `echo old`\n",
		"${v-\"d\"} ${v%b} ${#v}\n",
		"joined \\\nline\n",
		"\n",
		" E\n",
		"EE\n",
		"*.c ~ $@\n",
	};

	for (int i = 0; i < g->n_heres; i++) {
		for (unsigned n = random_below(g, 4); n; n--)
			text(g, PICK(g, lines));
		if (g->heres[i].tabs)
			text(g, "\t\t");
		text(g, g->heres[i].mark);
		text(g, "\n");
	}
	g->n_heres = 0;
}

static void gen_redirs(struct generator *g)
{
	static const char *const redirs[] = {
		" >o1",       " >>o1",       " >|o2",       " <f1",
		" <nofile",   " 2>e1",       " 2>&1",       " >&2",
		" 2>&-",      " >&-",        " <&-",        " <>f1",
		" 3>o3",      " >&3",        " <&3",        " 3>&1",
		" 1>&2 2>&1", " >sub",       " >no/dir",    " >\"o 4\"",
		" >$v",       " </dev/null", " >/dev/null", " 2>/dev/null",
		" 3<f1 <&3",  " 4>&1 >&4",   " >&$w",       " 5>&-",
		" >o1 2>&1",  " <sub",       " 2>&1 >o5",   " <empty",
		" 2>&3",      " 2>&7",       " 2>o6 2>&7",  " 7>o7 2>&7",
		" > o6",      "\t>o7",       " >/dev/full",
	};

	while (chance(g, 18)) {
		if (chance(g, 12))
			gen_here(g);
		else
			text(g, PICK(g, redirs));
	}
}

static void gen_assignment(struct generator *g)
{
	gen_name(g);
	text(g, "=");
	if (chance(g, 85))
		gen_word(g);
}

static void gen_test(struct generator *g)
{
	static const char *const unary[] = {
		"-f", "-d", "-e", "-s", "-r", "-x",
		"-n", "-z", "-L", "-w", "-h", "!"
	};
	static const char *const binary[] = { "=",   "!=",  "-eq", "-ne", "-lt",
					      "-gt", "-le", "-ge", "-nt", "-ef",
					      "==",  "-a",  "-o" };
	bool bracket = chance(g, 80);

	text(g, bracket ? "[" : "test");
	switch (random_below(g, 5)) {
	case 0:
		text(g, " ");
		text(g, PICK(g, unary));
		text(g, " ");
		gen_word(g);
		break;
	case 1:
		text(g, " \"$");
		gen_name(g);
		text(g, "\" ");
		text(g, PICK(g, binary));
		text(g, " ");
		gen_word(g);
		break;
	case 2:
		text(g, " $# ");
		text(g, PICK(g, binary));
		text(g, " 2");
		break;
	case 3:
		text(g, " ! -f f1 -a -n \"$v\" -o ");
		gen_word(g);
		break;
	default:
		gen_words(g, 4);
	}
	if (bracket && chance(g, 97))
		text(g, " ]");
}

/* Constructs that are rare in recipes, but possible. */
static void gen_odd(struct generator *g)
{
	if (chance(g, 4)) {
		text(g, PICK(g, refused));
	} else if (chance(g, 5)) {
		gen_word(g);
		gen_words(g, 2);
	} else if (chance(g, 20)) {
		text(g, chance(g, 50) ? "rm -f" : "touch");
		gen_words(g, 2);
	} else {
		text(g, "echo");
		gen_words(g, 2);
	}
}

static void gen_simple(struct generator *g)
{
	g->left--;
	while (chance(g, 12)) {
		gen_assignment(g);
		text(g, " ");
	}
	switch (random_below(g, 12)) {
	case 0:
	case 1:
	case 2:
		text(g, "echo");
		gen_words(g, 4);
		break;
	case 3:
		gen_test(g);
		break;
	case 4:
		text(g, "printf '<%s>' ");
		gen_word(g);
		gen_words(g, 3);
		break;
	case 5:
		gen_assignment(g);
		return;
	case 6:
		text(g, chance(g, 80) ? "set --" : "cat");
		gen_words(g, 3);
		break;
	case 7:
		gen_odd(g);
		break;
	case 8:
		text(g, PICK(g, programs));
		break;
	default:
		text(g, PICK(g, builtins));
	}
	gen_redirs(g);
}

static void newline(struct generator *g)
{
	text(g, "\n");
	end_heres(g);
}

/* Separate two commands of a list. */
static void separate(struct generator *g)
{
	if (chance(g, 35)) {
		text(g, chance(g, 5) ? " # ' comment\n" : "\n");
		end_heres(g);
	} else {
		text(g, chance(g, 30) ? ";" : "; ");
	}
}

static void gen_body(struct generator *g, const char *before, const char *after)
{
	text(g, before);
	text(g, chance(g, 20) ? "\n" : " ");
	end_heres(g);
	gen_list(g);
	separate(g);
	text(g, after);
}

static void gen_if(struct generator *g)
{
	gen_body(g, "if", "then");
	gen_body(g, "", chance(g, 50) ? "fi" : "else");
	if (!strcmp((char *)g->out->data + g->out->len - 4, "else"))
		gen_body(g, "", "fi");
}

static void gen_for(struct generator *g)
{
	text(g, "for ");
	gen_name(g);
	if (chance(g, 90)) {
		text(g, " in");
		gen_words(g, 4);
	}
	text(g, "; do ");
	g->loops++;
	gen_list(g);
	if (chance(g, 15)) {
		static const char *const jumps[] = { "break", "continue",
						     "break 2", "continue 2" };

		text(g, "; ");
		text(g, PICK(g, jumps));
	}
	g->loops--;
	separate(g);
	text(g, "done");
}

static void gen_while(struct generator *g)
{
	int n = g->depth;

	/* The loop ends after two rounds, whatever its body does. */
	buf_printf(g->out, "n%d=; %s [ ${#n%d} != 2 ]; do n%d=x$n%d; ", n,
		   chance(g, 80) ? "while" : "until", n, n, n);
	g->loops++;
	gen_list(g);
	g->loops--;
	separate(g);
	text(g, "done");
}

static void gen_case(struct generator *g)
{
	text(g, "case ");
	gen_word(g);
	text(g, chance(g, 30) ? "\nin\n" : " in ");
	end_heres(g);
	for (unsigned n = random_below(g, 4); n; n--) {
		text(g, chance(g, 30) ? "(" : "");
		text(g, PICK(g, patterns));
		text(g, chance(g, 20) ? "|b)" : ") ");
		if (chance(g, 80))
			gen_list(g);
		text(g, ";;");
		if (chance(g, 30))
			newline(g);
	}
	text(g, " esac");
}

static void gen_command(struct generator *g)
{
	unsigned kind = random_below(g, 30);

	if (g->depth > 5 || g->left <= 0 || kind > 8) {
		gen_simple(g);
		return;
	}
	g->depth++;
	switch (kind) {
	case 0:
	case 1:
		gen_if(g);
		break;
	case 2:
		gen_for(g);
		break;
	case 3:
		gen_while(g);
		break;
	case 4:
		gen_case(g);
		break;
	case 5:
		gen_body(g, "{", "}");
		break;
	default:
		text(g, "(");
		gen_list(g);
		text(g, ")");
	}
	gen_redirs(g);
	g->depth--;
}

/*
 * A reader must consume all input, because SIGPIPE would otherwise hit the
 * writer at random.
 */
static void gen_reader(struct generator *g)
{
	static const char *const readers[] = { "cat", "cat -", "sort", "wc -c",
					       "sed s/a/b/" };

	if (chance(g, 60) || g->left <= 0) {
		text(g, PICK(g, readers));
		return;
	}
	g->depth++;
	gen_body(g, chance(g, 50) ? "{ cat; " : "{ v=$(cat); ", "}");
	gen_redirs(g);
	g->depth--;
}

static void gen_pipe(struct generator *g)
{
	if (chance(g, 6))
		text(g, "! ");
	gen_command(g);
	while (chance(g, 10) && !g->n_heres) {
		text(g, chance(g, 80) ? " | " : "|\n");
		gen_reader(g);
	}
}

static void gen_list(struct generator *g)
{
	for (unsigned n = random_below(g, 3) + 1; n; n--) {
		gen_pipe(g);
		while (chance(g, 18)) {
			text(g, chance(g, 50) ? " && " : " || ");
			gen_pipe(g);
		}
		if (n > 1)
			separate(g);
	}
	if (g->n_heres)
		newline(g);
}

/* Introduce a typing error. */
static void spoil(struct generator *g)
{
	static const char bytes[] = "\"'`$(){}[];|&<>\\\n #*~!=xif";
	size_t at = random_below(g, (unsigned)g->out->len);

	if (chance(g, 50)) {
		g->out->data[at] = (uint8_t)
			bytes[random_below(g, sizeof(bytes) - 1)];
	} else {
		memmove(g->out->data + at, g->out->data + at + 1,
			g->out->len - at);
		g->out->len--;
	}
}

void shell_generate(struct buf *out, uint64_t seed)
{
	struct generator g = {
		.state = seed * 0x9e3779b97f4a7c15 + 0x1234567,
		.out = out,
		.left = 8,
	};

	for (int i = 0; i < 8; i++)
		random_below(&g, 2);
	buf_reset(out);
	if (chance(&g, 60))
		text(&g, "v='a b'; w=1; ");
	if (chance(&g, 30))
		text(&g, "set -e; ");
	for (unsigned n = random_below(&g, 3) + 1; n; n--) {
		gen_list(&g);
		newline(&g);
	}
	if (chance(&g, 60))
		text(&g, "echo end $? \"$v\" $#\n");
	if (chance(&g, 4))
		spoil(&g);
}
