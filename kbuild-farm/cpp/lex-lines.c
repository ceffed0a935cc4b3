/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/vec.h"
#include "cpp/lexer.h"
#include "cpp/pragma.h"

#include <string.h>
#include <strings.h>

void cpp_token_sink_add_gap(struct cpp_lexer *l)
{
	struct cpp_token_sink *k = l->sink;

	k->starts = vec_reserve(k->starts, &k->cap_starts, k->n_starts,
				sizeof(*k->starts));
	k->starts[k->n_starts++] = (uint32_t)k->n_tokens;
}

struct cpp_directive *cpp_lexer_add_directive(struct cpp_lexer *l,
					      enum cpp_op op)
{
	struct cpp_text *t = l->t;
	struct cpp_directive *d;

	t->directives = vec_reserve(t->directives, &l->cap_directives,
				    t->n_directives, sizeof(*t->directives));
	d = &t->directives[t->n_directives++];
	*d = (struct cpp_directive){ .op = (uint8_t)op, .line = l->line };
	if (l->sink)
		cpp_token_sink_add_gap(l);
	return d;
}

void cpp_lexer_add_unsupported(struct cpp_lexer *l, enum reason why)
{
	const struct cpp_text *t = l->t;

	if (t->n_directives &&
	    t->directives[t->n_directives - 1].op == CPP_OP_UNSUPPORTED &&
	    t->directives[t->n_directives - 1].form == why)
		return;
	_Static_assert(N_REASONS <= UINT8_MAX + 1,
		       "cpp_directive.form holds an enum reason");
	cpp_lexer_add_directive(l, CPP_OP_UNSUPPORTED)->form = (uint8_t)why;
}

/* Return the byte after the backslash-newline at `p`, or NULL. */
static const uint8_t *skip_splice(const uint8_t *p)
{
	if (*p++ != '\\')
		return NULL;
	while (cpp_char_class[*p] & CPP_CHAR_BLANK)
		p++;
	return *p == '\n' ? p + 1 : NULL;
}

/* At a backslash, skip a splice.  Return false if no splice follows. */
static bool take_splice(struct cpp_lexer *l)
{
	const uint8_t *next = skip_splice(l->p);

	if (!next)
		return false;
	/* A backslash does not splice the newline that ends the file. */
	if (next >= l->end) {
		l->p = l->end - 1;
		return true;
	}
	l->p = next;
	l->line++;
	return true;
}

/* Return the byte that follows `p` after splices are removed. */
static const uint8_t *next_unspliced(const struct cpp_lexer *l,
				     const uint8_t *p)
{
	const uint8_t *next;

	for (p++; (next = skip_splice(p)) && next < l->end; p = next)
		;
	return p;
}

/* Move to `to` and count the newlines on the way. */
static void advance_to(struct cpp_lexer *l, const uint8_t *to)
{
	for (; l->p < to; l->p++)
		l->line += *l->p == '\n';
}

static void block_comment(struct cpp_lexer *l)
{
	for (;;) {
		while (!(cpp_char_class[*l->p] & CPP_CHAR_STOP_COMMENT))
			l->p++;
		if (*l->p == '*') {
			const uint8_t *next = next_unspliced(l, l->p);

			if (*next == '/') {
				advance_to(l, next + 1);
				return;
			}
			l->p++;
		} else if (*l->p == '\n') {
			/* Stop at the newline that ends the file. */
			if (l->p + 1 >= l->end)
				return;
			l->line++;
			l->p++;
		} else if (l->p >= l->end) {
			return;
		} else {
			l->p++;
		}
	}
}

/* At a '/', skip a comment.  Return false if no comment starts. */
static bool skip_comment(struct cpp_lexer *l)
{
	const uint8_t *from = l->p, *next = next_unspliced(l, from);

	if (*next == '*') {
		advance_to(l, next + 1);
		block_comment(l);
		cpp_pragma_skip_words(l, from);
		return true;
	}
	/*
	 * In C90 mode, clang treats // as a comment, but gcc does so only in
	 * system headers.  The file is marked as not supported.
	 */
	if (*next == '/' && (l->mode & CPP_MODE_C90))
		l->t->has_slash_comments = true;
	else if (*next == '/') {
		advance_to(l, next + 1);
		while (*l->p != '\n') {
			if (*l->p != '\\' || !take_splice(l))
				l->p++;
		}
		cpp_pragma_skip_words(l, from);
		return true;
	}
	return false;
}

bool cpp_lexer_skip_blanks(struct cpp_lexer *l)
{
	for (;;) {
		while (cpp_char_class[*l->p] & CPP_CHAR_BLANK)
			l->p++;
		if (*l->p == '\n')
			return false;
		if (*l->p == '\0' && l->p < l->end)
			l->p++;
		else if (*l->p == '\\' && take_splice(l))
			continue;
		else if (*l->p != '/' || !skip_comment(l))
			return true;
	}
}

static void copy_since(struct buf *out, const uint8_t *from,
		       const struct cpp_lexer *l)
{
	if (out)
		buf_add(out, from, (size_t)(l->p - from));
}

/*
 * Skip a quoted string, or as much of it as the line holds.  Appends the
 * skipped bytes to `out`, with splices removed.
 */
static void lex_quoted(struct cpp_lexer *l, struct buf *out)
{
	uint8_t close = *l->p;
	const uint8_t *from = l->p++;

	for (;;) {
		while (!(cpp_char_class[*l->p] & CPP_CHAR_STOP_QUOTED))
			l->p++;
		if (*l->p == close) {
			l->p++;
			break;
		}
		if (*l->p == '\n')
			break;
		if (*l->p != '\\') {
			l->p++;
			continue;
		}
		copy_since(out, from, l);
		if (take_splice(l)) {
			from = l->p;
			continue;
		}
		/* Skip the byte after the backslash, even if it is a quote. */
		from = l->p++;
		copy_since(out, from, l);
		while (*l->p == '\\' && take_splice(l))
			;
		from = l->p;
		if (*l->p != '\n')
			l->p++;
	}
	copy_since(out, from, l);
}

/*
 * Return true if the quote at l->p, together with the prefix before it, opens a
 * raw string such as R"x(...)x".
 */
static bool is_raw(const struct cpp_lexer *l)
{
	static const char *const prefix[] = { "R", "LR", "uR", "UR", "u8R" };
	const uint8_t *from = l->p;
	size_t len;

	if (!(l->mode & CPP_MODE_RAW_STRINGS) || *l->p != '"')
		return false;
	while (from > l->start && cpp_is_word_char(from[-1]))
		from--;
	len = (size_t)(l->p - from);
	for (size_t i = 0; i < ARRAY_SIZE(prefix); i++) {
		if (len == strlen(prefix[i]) && !memcmp(from, prefix[i], len))
			return true;
	}
	return false;
}

/* Return the byte after a raw string, or NULL if none starts. */
static const uint8_t *raw_end(const struct cpp_lexer *l)
{
	const uint8_t *delimiter = l->p + 1;
	const uint8_t *p = delimiter;
	size_t len;

	while (p < l->end && !strchr(" ()\\\t\v\f\n", *p))
		p++;
	len = (size_t)(p - delimiter);
	if (*p != '(' || len > 16)
		return NULL;
	for (; p < l->end && (p = memchr(p, ')', (size_t)(l->end - p))); p++) {
		if ((size_t)(l->end - p) > len + 1 &&
		    !memcmp(p + 1, delimiter, len) && p[1 + len] == '"')
			return p + len + 2;
	}
	return NULL;
}

/* Return true if only blanks precede l->p in its logical line. */
static bool starts_line(const struct cpp_lexer *l)
{
	const char *start = (const char *)l->start;
	const char *p = (const char *)l->p;

	while (p > start && (p[-1] == ' ' || p[-1] == '\t'))
		p--;
	if (p == start)
		return true;
	if (*--p != '\n')
		return false;
	while (p > start && strchr(" \t\r", p[-1]))
		p--;
	return p == start || p[-1] != '\\';
}

static void add_asm_text(struct cpp_lexer *l, const char *s, size_t len)
{
	struct cpp_incbin_text prose = {
		.s = s,
		.len = len,
		.params = s,
		.in_comment = l->comment_line == l->line,
		.statement_start = s == (const char *)l->p && starts_line(l),
	};

	if (cpp_incbin_words_add_text(&l->t->incbin_words, &prose))
		l->comment_line = l->line;
}

/*
 * Return true if a string in a macro call is a whole argument, and neither
 * neighbouring argument has a string next to this argument.  A macro body can
 * place neighbouring arguments side by side and thereby join their strings.
 */
static bool is_alone_in_call(const char *start, const char *from,
			     const char *behind, const char *end)
{
	static const char between[] = " \t\n\\,";

	if (!strchr(",)", *behind))
		return false;
	while (from > start && strchr(between, from[-1]))
		from--;
	while (behind < end && strchr(between, *behind))
		behind++;
	return (from == start || from[-1] != '"') &&
	       (behind == end || *behind != '"');
}

static void check_neighbours(struct cpp_lexer *l, const char *start,
			     const char *from, const char *behind,
			     const char *end)
{
	while (from > start && (from[-1] == ' ' || from[-1] == '\t'))
		from--;
	behind = cpp_skip_blanks(behind, end);
	/* A string after an operator is not appended to another string. */
	l->string_first = from > start && strchr("{?:=[;<>+-&|!", from[-1]);
	l->string_alone = l->string_first ||
			  (behind < end && strchr("}?:;](=<>+-&|", *behind)) ||
			  (from > start && behind < end &&
			   strchr("(,", from[-1]) &&
			   is_alone_in_call(start, from, behind, end));
}

/*
 * Copy a string with numeric escapes replaced.  Return false if the string has
 * no numeric escapes.
 */
static bool unescape_text(struct buf *out, const char *s, size_t len)
{
	const char *end = s + len;
	bool found = false;

	buf_reset(out);
	while (s < end) {
		const char *from = s;
		int64_t c = -1;
		char plain;

		if (s + 1 < end && *s == '\\' && s[1] &&
		    strchr("01234567xuU", s[1])) {
			s++;
			c = cpp_escape(&s, end);
		}
		if (c < 0) {
			if (s == from)
				s += *s == '\\' && s + 1 < end ? 2 : 1;
			buf_add(out, from, (size_t)(s - from));
			continue;
		}
		found = true;
		/* gcc truncates larger values to the lowest byte. */
		plain = (char)c;
		if (plain == '\\' || plain == '"')
			buf_add(out, "\\", 1);
		if ((unsigned char)plain >= 0x80)
			plain = '?';
		buf_add(out, &plain, 1);
	}
	return found;
}

/*
 * Mark a string that makes the assembler read a file, either alone or joined to
 * other strings.  Also mark push_macro and pop_macro in a string.
 */
static void mark_string(struct cpp_lexer *l, const uint8_t *s, size_t len)
{
	const uint8_t *end;

	if (len && memchr(s, '_', len) &&
	    (memmem(s, len, "push_macro", 10) ||
	     memmem(s, len, "pop_macro", 9)))
		l->t->marks |= CPP_MARK_PRAGMA_MACRO;
	if (len && memchr(s, '\\', len) &&
	    unescape_text(&l->unescaped, (const char *)s, len)) {
		s = l->unescaped.data;
		len = l->unescaped.len;
	}
	if (!len)
		return;
	end = s + len;
	if (l->mode & CPP_MODE_ASM)
		add_asm_text(l, (const char *)s, len);
	else
		cpp_incbin_words_add_string(
			&l->t->incbin_words,
			&(struct cpp_incbin_string){ (const char *)s, len,
						     l->string_alone,
						     l->string_first });
	for (const uint8_t *p = s; (p = memchr(p, '.', (size_t)(end - p)));
	     p++) {
		if ((end - p >= 7 &&
		     !strncasecmp((const char *)p, ".incbin", 7)) ||
		    (end - p >= 8 &&
		     !strncasecmp((const char *)p, ".include", 8)) ||
		    (!(l->mode & CPP_MODE_ASM) &&
		     cpp_incbin_words_may_join_dot((const char *)s,
						   (const char *)p,
						   (const char *)end)))
			l->t->marks |= CPP_MARK_ASM_FILE;
	}
}

/* Return true if a number such as 12, 1.e+3, .5f or 1'000 ends at `p`. */
static bool is_number(const struct cpp_lexer *l, const uint8_t *p)
{
	for (;;) {
		const uint8_t *end = p;

		while (p > l->start && cpp_is_word_char(p[-1]))
			p--;
		if (p < end && *p >= '0' && *p <= '9')
			return true;
		if (p == l->start)
			return false;
		p--;
		if (*p == '\'')
			return p == l->separator;
		if (*p == '+' || *p == '-') {
			if (p == l->start || !strchr("eEpP", p[-1]))
				return false;
		} else if (*p != '.') {
			return false;
		}
	}
}

/* If the quote at l->p is in a number like 1'000, record it and return true. */
static bool separates_digits(struct cpp_lexer *l)
{
	if (!(l->mode & CPP_MODE_DIGIT_SEPARATORS) ||
	    !cpp_is_word_char(l->p[1]) || !is_number(l, l->p))
		return false;
	l->separator = l->p;
	return true;
}

/* Record the words of the source bytes from `from` up to `to`. */
static void record_words(const struct cpp_lexer *l, const uint8_t *from,
			 const uint8_t *to)
{
	if (l->words)
		cpp_words_add(l->words, (const char *)from, (size_t)(to - from),
			      true);
}

static void record_string(const struct cpp_lexer *l, const uint8_t *from,
			  const uint8_t *to)
{
	if (l->words)
		cpp_words_add_string(l->words, (const char *)from,
				     (size_t)(to - from));
}

/* Skip a string or a character constant and mark its contents. */
static void skip_text_quote(struct cpp_lexer *l)
{
	const uint8_t *from = l->p, *end;

	if (separates_digits(l)) {
		l->p++;
		return;
	}
	if (is_raw(l)) {
		end = raw_end(l);
		if (!end) {
			cpp_lexer_add_unsupported(l, REASON_UNSUPPORTED_BYTES);
			end = from + 1;
		} else {
			l->string_alone = l->string_first = false;
			mark_string(l, from + 1, (size_t)(end - from - 2));
			record_string(l, from, end);
		}
		advance_to(l, end);
		return;
	}
	buf_reset(&l->scratch);
	lex_quoted(l, &l->scratch);
	record_string(l, l->scratch.data, l->scratch.data + l->scratch.len);
	if (*from == '"') {
		check_neighbours(l, (const char *)l->start, (const char *)from,
				 (const char *)l->p, (const char *)l->end);
		if (l->scratch.len > 1)
			mark_string(l, l->scratch.data + 1, l->scratch.len - 2);
	} else if (l->mode & CPP_MODE_ASM) {
		/* gas can read the quote as an apostrophe followed by text. */
		add_asm_text(l, buf_str(&l->scratch), l->scratch.len);
	}
}

/*
 * Detection of pieces that ## joins to __TIME__, __DATE__ or __TIMESTAMP__.
 *
 * If two pieces form a name, one of them consists of at least the first four
 * bytes of the name ("__TI") or at least the last three bytes ("E__").  Such a
 * piece is marked, because it has no other use.  Three pieces can also form a
 * name as __##x##__, where x is any word.
 */

#define START_MIN 4
#define END_MIN   3

/* Mark the word around `at` if it is a piece of __TIME__ or a similar macro. */
static void mark_time_piece(struct cpp_lexer *l, const char *at,
			    const char *start, const char *end)
{
	static const char *const words[] = { "__TIME__", "__DATE__",
					     "__TIMESTAMP__" };
	const char *from = at, *to = cpp_skip_word(at, end);
	size_t len;

	while (from > start && cpp_is_word_char((uint8_t)from[-1]))
		from--;
	len = (size_t)(to - from);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t whole = strlen(words[i]);

		if (len < whole &&
		    ((len >= START_MIN && !memcmp(words[i], from, len)) ||
		     (len >= END_MIN &&
		      !memcmp(words[i] + whole - len, from, len))))
			l->t->marks |= CPP_MARK_TIME_PASTED;
	}
}

/* Return the operand after a ## at `p`, or NULL. */
static const char *find_paste(const char *p, const char *end)
{
	p = cpp_skip_blanks(p, end);
	return end - p >= 2 && p[0] == '#' && p[1] == '#' ?
		       cpp_skip_blanks(p + 2, end) :
		       NULL;
}

static bool is_underscores(const char *from, const char *to)
{
	return (to - from == 1 || to - from == 2) && from[0] == '_' &&
	       to[-1] == '_';
}

/*
 * Return true if the word at `p` starts __##x##__ and no other ## precedes or
 * follows this sequence.
 */
static bool has_paste_around_word(const char *p, const char *start,
				  const char *end)
{
	const char *to = cpp_skip_word(p, end), *middle, *last;

	middle = is_underscores(p, to) ? find_paste(to, end) : NULL;
	last = middle ? find_paste(cpp_skip_word(middle, end), end) : NULL;
	if (!last)
		return false;
	while (p > start && (p[-1] == ' ' || p[-1] == '\t'))
		p--;
	if (p > start && p[-1] == '#')
		return false;
	to = cpp_skip_word(last, end);
	return is_underscores(last, to) && !find_paste(to, end);
}

static void mark_time_pieces(struct cpp_lexer *l, const char *s, size_t len)
{
	const char *p = s, *end = s + len;
	bool pastes = memmem(s, len, "##", 2);

	while (p < end && (p = memchr(p, '_', (size_t)(end - p)))) {
		bool first = p == s || !cpp_is_word_char((uint8_t)p[-1]);

		mark_time_piece(l, p, s, end);
		if (pastes && first && has_paste_around_word(p, s, end))
			l->t->marks |= CPP_MARK_TIME_PASTED;
		p = cpp_skip_word(p, end);
	}
}

static bool has_word(const uint8_t *p, const char *word)
{
	size_t len = strlen(word);

	return !strncmp((const char *)p, word, len) &&
	       !cpp_is_word_char(p[len]);
}

static void mark_reserved(struct cpp_lexer *l)
{
	/* This switch excludes most words that start with an underscore. */
	switch (l->p[1] == '_' ? l->p[2] : l->p[1]) {
	case 'T':
	case 'B':
	case 'D':
	case 'C':
	case 'P':
	case 'p':
		break;
	default:
		return;
	}
	if (has_word(l->p, "__TIME__") || has_word(l->p, "__DATE__") ||
	    has_word(l->p, "__TIMESTAMP__"))
		l->t->marks |= CPP_MARK_TIME;
	else if (has_word(l->p, "__COUNTER__"))
		l->t->marks |= CPP_MARK_COUNTER;
	else if (has_word(l->p, "__BASE_FILE__"))
		l->t->marks |= CPP_MARK_BASE_FILE;
	else if (has_word(l->p, "__pragma"))
		l->t->marks |= CPP_MARK_PRAGMA;
	else if (l->p[1] == 'P')
		cpp_pragma_mark_operator(l, (const char *)l->p,
					 (const char *)l->end);
}

/*
 * Mark the word at l->p, which points to a '_', to the 'b' of a possible incbin
 * or to the 'u' of a possible include.
 */
static void mark_word(struct cpp_lexer *l)
{
	const uint8_t *p = l->p, *word, *before;
	size_t n;
	bool bin;

	if (*p == '_') {
		if (p[1] == '_' &&
		    (p[2] == 'T' || p[2] == 'D' || !cpp_is_word_char(p[2])))
			mark_time_piece(l, (const char *)p,
					(const char *)l->start,
					(const char *)l->end);
		if (p == l->start || !cpp_is_word_char(p[-1]))
			mark_reserved(l);
		/*
		 * Outside #pragma, push_macro and pop_macro can only be part of
		 * the operand of a _Pragma.
		 */
		else if (has_word(p, "_macro") &&
			 ((p - l->start >= 4 && !memcmp(p - 4, "push", 4)) ||
			  (p - l->start >= 3 && !memcmp(p - 3, "pop", 3))))
			l->t->marks |= CPP_MARK_PRAGMA_MACRO;
		while (*l->p == '_')
			l->p++;
		return;
	}
	l->p++;
	bin = *p == 'b';
	n = bin ? 3 : 4;
	if ((size_t)(p - l->start) < n || memcmp(p - n, "incl", n) ||
	    !has_word(p, bin ? "bin" : "ude"))
		return;
	word = before = p - n;
	while (before > l->start && (before[-1] == ' ' || before[-1] == '\t'))
		before--;
	/* In C, the word can be a macro argument that # puts after a dot. */
	if (!(l->mode & CPP_MODE_ASM) &&
	    (before == l->start || strchr("(,\n", before[-1])))
		cpp_incbin_words_add(&l->t->incbin_words,
				     bin ? "incbin" : "include", bin ? 6 : 7);
	if (word == l->start)
		return;
	if (word[-1] == '.')
		l->t->marks |= CPP_MARK_ASM_FILE;
	else if (word[-1] == '/' && p[3] == '/')
		l->t->marks |= CPP_MARK_DEVICETREE;
}

void cpp_lexer_skip_text(struct cpp_lexer *l)
{
	const uint8_t *before, *unrecorded = l->p;

	for (;;) {
		if ((l->mode & CPP_MODE_ASM) && l->p >= l->words_end) {
			const char *s = (const char *)l->p;
			size_t len = strcspn(s, "\n\"'/\\");
			bool parameter = l->p > l->start && l->p[-1] == '\\';

			l->words_end = l->p + len;
			add_asm_text(l, s - parameter, len + parameter);
		}
		while (!(cpp_char_class[*l->p] & CPP_CHAR_STOP_TEXT))
			l->p++;
		before = l->p;
		switch (*l->p) {
		case '\n':
			record_words(l, unrecorded, before);
			l->p++;
			l->line++;
			return;
		case '\0':
			if (l->p >= l->end) {
				record_words(l, unrecorded, before);
				return;
			}
			l->p++;
			break;
		case '"':
		case '\'':
			record_words(l, unrecorded, before);
			skip_text_quote(l);
			unrecorded = l->p;
			break;
		case '/':
			if (!skip_comment(l)) {
				l->p++;
				break;
			}
			record_words(l, unrecorded, before);
			unrecorded = l->p;
			break;
		case '\\':
			if (!take_splice(l)) {
				l->p++;
				break;
			}
			/*
			 * The splice splits a word, so mark_word() cannot check
			 * whether the word must be marked.
			 */
			if (before > l->start && cpp_is_word_char(before[-1]) &&
			    cpp_is_word_char(*l->p))
				l->t->marks |= CPP_MARK_SPLIT_WORD;
			record_words(l, unrecorded, before);
			unrecorded = l->p;
			break;
		default:
			mark_word(l);
		}
	}
}

static void copy_rest_quote(struct cpp_lexer *l, bool in_text)
{
	const uint8_t *end;

	if (separates_digits(l)) {
		buf_add(&l->blob, l->p++, 1);
		return;
	}
	if (!is_raw(l)) {
		lex_quoted(l, &l->blob);
		return;
	}
	end = raw_end(l);
	if (!end || (!in_text && memchr(l->p, '\n', (size_t)(end - l->p)))) {
		cpp_lexer_add_unsupported(l, REASON_UNSUPPORTED_BYTES);
		end = l->p + 1;
	}
	buf_add(&l->blob, l->p, (size_t)(end - l->p));
	advance_to(l, end);
}

/*
 * Append the rest of a line to the blob.  For a line of text, also record each
 * position in the appended bytes at which the source line changes.
 */
static void copy_cleaned(struct cpp_lexer *l, bool in_text)
{
	struct cpp_token_sink *k = l->sink;
	size_t before = l->blob.len;

	for (;;) {
		const uint8_t *from = l->p;

		if (in_text && k->last_change_line != l->line) {
			k->last_change_line = l->line;
			k->line_changes = vec_reserve(
				k->line_changes, &k->cap_line_changes,
				k->n_line_changes, sizeof(*k->line_changes));
			k->line_changes[k->n_line_changes++] =
				(struct cpp_line_change){ l->blob.len - before,
							  l->line };
		}
		while (!(cpp_char_class[*l->p] & CPP_CHAR_STOP_REST))
			l->p++;
		copy_since(&l->blob, from, l);
		if (*l->p == '\n')
			break;
		if (*l->p == '"' || *l->p == '\'') {
			copy_rest_quote(l, in_text);
		} else if (*l->p == '/' && skip_comment(l)) {
			buf_add(&l->blob, " ", 1);
		} else if (*l->p != '\\' || !take_splice(l)) {
			/* cpp treats NUL as a blank. */
			buf_add(&l->blob, *l->p ? l->p : (uint8_t *)" ", 1);
			l->p++;
		}
	}
	l->p++;
	l->line++;
}

void cpp_lexer_copy_rest(struct cpp_lexer *l)
{
	copy_cleaned(l, false);
}

void cpp_lexer_copy_line(struct cpp_lexer *l)
{
	copy_cleaned(l, true);
}

void cpp_lexer_copy_header(struct cpp_lexer *l, uint8_t close)
{
	while (*l->p != '\n') {
		if (*l->p == '\\' && take_splice(l))
			continue;
		buf_add(&l->blob, l->p, 1);
		if (*l->p++ == close)
			return;
	}
}

size_t cpp_lexer_copy_word(struct cpp_lexer *l)
{
	size_t before = l->blob.len;

	for (;;) {
		const uint8_t *from = l->p;

		while (cpp_is_word_char(*l->p))
			l->p++;
		copy_since(&l->blob, from, l);
		if (*l->p != '\\' || !take_splice(l))
			return l->blob.len - before;
	}
}

/*
 * Detection of relevant words and strings in macro bodies.
 *
 * A compile can read files that are not headers: through .incbin and .include
 * of the assembler, and through /incbin/ and /include/ of dtc.  Several strings
 * can be joined to form .incbin or .include, so a string that ends in a piece
 * of ".incbin" matters if another string starts with the rest.  __DATE__ and
 * similar macros matter because the compile then depends on the time.
 */

/* Mark the strings of a macro body like the strings of text. */
static void body_strings(struct cpp_lexer *l, const char *s, size_t len)
{
	const char *start = s, *end = s + len;

	while (s < end && (s = memchr(s, '"', (size_t)(end - s)))) {
		const char *from = ++s;

		while (s < end && *s != '"')
			s += *s == '\\' && s + 1 < end ? 2 : 1;
		check_neighbours(l, start, from - 1, s + 1, end);
		mark_string(l, (const uint8_t *)from, (size_t)(s - from));
		if (s < end && cpp_incbin_words_may_paste_dot(from, s, end))
			l->t->marks |= CPP_MARK_ASM_FILE;
		s++;
	}
}

/* Return true if `word` starts at byte `i`. */
static bool has_word_at(const char *s, size_t i, size_t len, const char *word)
{
	size_t n = strlen(word);

	return len - i >= n && !memcmp(s + i, word, n);
}

/*
 * Mark the word at byte `i` of a macro body; s[i] is '_', '.' or 'i'.  Return
 * true if the word is .incbin or .include.
 */
static bool mark_body_word(struct cpp_lexer *l, const char *s, size_t i,
			   size_t len)
{
	if (s[i] == 'i') {
		size_t n = has_word_at(s, i, len, "incbin")  ? 6 :
			   has_word_at(s, i, len, "include") ? 7 :
							       0;

		/* A word after a dot is checked at the dot. */
		if (n &&
		    !(i && (s[i - 1] == '.' ||
			    cpp_is_word_char((uint8_t)s[i - 1]))) &&
		    !(i + n < len && cpp_is_word_char((uint8_t)s[i + n])))
			cpp_incbin_words_add(&l->t->incbin_words, s + i, n);
		return false;
	}
	if (s[i] == '.')
		return has_word_at(s, i, len, ".incbin") ||
		       has_word_at(s, i, len, ".include");
	if (has_word_at(s, i, len, "__TIME__") ||
	    has_word_at(s, i, len, "__DATE__") ||
	    has_word_at(s, i, len, "__TIMESTAMP__"))
		l->t->marks |= CPP_MARK_TIME;
	else if (has_word_at(s, i, len, "__COUNTER__"))
		l->t->marks |= CPP_MARK_COUNTER;
	else if (has_word_at(s, i, len, "__BASE_FILE__"))
		l->t->marks |= CPP_MARK_BASE_FILE;
	else if (has_word_at(s, i, len, "__pragma"))
		l->t->marks |= CPP_MARK_PRAGMA;
	else if (has_word_at(s, i, len, "_P") &&
		 (!i || !cpp_is_word_char((uint8_t)s[i - 1])))
		cpp_pragma_mark_operator(l, s + i, s + len);
	else if ((i >= 4 && has_word_at(s, i - 4, len, "push_macro")) ||
		 (i >= 3 && has_word_at(s, i - 3, len, "pop_macro")))
		l->t->marks |= CPP_MARK_PRAGMA_MACRO;
	return false;
}

void cpp_lexer_mark_body(struct cpp_lexer *l, const char *s, size_t len)
{
	bool quotes = false, names_file = false, inside = false;
	/* Character constants make it uncertain which quotes open a string. */
	bool characters = memchr(s, '\'', len);

	mark_time_pieces(l, s, len);
	if (l->mode & CPP_MODE_ASM) {
		const char *close = len && *s == '(' ? memchr(s, ')', len) :
						       NULL;
		const char *from = close ? close : s;

		cpp_incbin_words_add_text(
			&l->t->incbin_words,
			&(struct cpp_incbin_text){ .s = from,
						   .len = len -
							  (size_t)(from - s),
						   .params = s });
	}
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '"') {
			quotes = true;
			if (!characters && (!i || s[i - 1] != '\\'))
				inside = !inside;
		}
		if (s[i] == '_' || s[i] == '.' || (s[i] == 'i' && !inside))
			names_file |= mark_body_word(l, s, i, len);
	}
	if (names_file)
		l->t->marks |= CPP_MARK_ASM_FILE;
	else if (quotes)
		body_strings(l, s, len);
}
