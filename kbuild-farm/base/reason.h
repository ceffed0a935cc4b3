/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/reason.h - why a unit is compiled on the build host.
 *
 * Each reason is a number everywhere in the program, and words only where a
 * person reads it: in the view, the summary and metadata.json.
 */
#ifndef BASE_REASON_H
#define BASE_REASON_H

/* X(name, words), by who gives it. */
#define REASON_LIST(X)                                                  \
	/* the dispatcher */                                            \
	X(NO_REMOTE, "--no-remote")                                     \
	X(NO_NODES, "no nodes configured")                              \
	X(NODES_DOWN, "no node is up")                                  \
	X(NODES_UNFIT, "no node is fit")                                \
	X(NO_TOOLCHAIN, "no node has the toolchain")                    \
	X(TOOLCHAIN_SHIPPING, "toolchain on its way to the nodes")      \
	X(NODES_BUSY, "nodes busy")                                     \
	X(NODE_LOST, "node lost")                                       \
	X(NODE_SLOW, "slow or lost node")                               \
	X(NODES_FAILED, "nodes failed it")                              \
	X(WRONG_ANSWERS, "wrong answers")                               \
	X(MANY_NAMES, "too many names for a connection")                \
	X(MANY_OPTIONS, "too many options for a message")               \
	X(OPTION_REFUSED, "option refused by the node")                 \
	X(RESULT_VOID, "result void on the node")                       \
	X(INPUT_MISSING, "input missing on the node")                   \
	X(INPUTS_CHANGE, "inputs that keep changing")                   \
	/* the coordinator, of a wrapper's question */                  \
	X(ODD_SOURCE, "source is not a plain file")                     \
	X(ODD_OUTPUT, "output is not a plain file of the usual mode")   \
	X(UMASK, "another umask")                                       \
	X(CONFINED, "closed output or tight limits")                    \
	X(TERMINAL, "diagnostics on a terminal")                        \
	/* the compiler */                                              \
	X(NOT_IDENTIFIED, "compiler not identified")                    \
	X(COMPILER_CHANGED, "compiler changed during the build")        \
	X(UNKNOWN_OBJECT, "unknown kind of object")                     \
	X(LANGUAGE, "language of messages cannot be shipped")           \
	/* the inputs */                                                \
	X(INPUT_PATH, "input with a strange path")                      \
	X(INPUT_NOT_FILE, "input that is no plain file")                \
	X(INPUT_LARGE, "input over 1 GiB")                              \
	X(INPUT_LONG_PATH, "input with a path that is too long")        \
	X(INPUT_UNREADABLE, "input that cannot be read")                \
	X(OPTION_NOT_REMOTE, "option without a remote mode")            \
	X(CPATH, "CPATH or C_INCLUDE_PATH is set")                      \
	X(TIME_MACRO, "__DATE__ or __TIME__")                           \
	/* the answer */                                                \
	X(COMPILE_ERROR, "compile error")                               \
	X(LONG_DIAGNOSTICS, "very long diagnostics")                    \
	X(CONTROL_CHARACTERS, "control characters in diagnostics")      \
	X(NO_DEPS, "no list of files read")                             \
	X(BAD_DEPS, "unreadable list of files read")                    \
	X(UNKNOWN_DEP, "read a file unknown to the scan")               \
	X(BAD_AS_DEPS, "unreadable list of files assembled")            \
	X(UNKNOWN_AS_DEP, "assembled a file unknown to the scan")       \
	X(NOT_WRITTEN, "object could not be written")                   \
	/* the command line */                                          \
	X(LATE_LANGUAGE, "-x after the source")                         \
	X(CPLUSPLUS, "C++")                                             \
	X(OTHER_LANGUAGE, "another language")                           \
	X(PLAIN_ASSEMBLER, "assembler source (.s)")                     \
	X(PRECOMPILED, "precompiled header")                            \
	X(DOT_SOURCE, "source whose name begins with a dot")            \
	X(SEVERAL_DEPS, "several dependency files")                     \
	X(ODD_DEPS, "odd dependency options")                           \
	X(SEVERAL_OUTPUTS, "several -o")                                \
	X(ODD_OUTPUT_NAME, "odd output name")                           \
	X(AT_FILE, "@file")                                             \
	X(UNKNOWN_OPTION, "unknown option")                             \
	X(UNKNOWN_DEBUG, "unknown debug option")                        \
	X(ODD_VALUE, "odd value of an option")                          \
	X(ASSEMBLER, "assembler option")                                \
	X(AFTER_DASHES, "words after --")                               \
	X(AUX_INFO, "-aux-info")                                        \
	X(CHARSET, "character sets")                                    \
	X(CLANG, "clang option")                                        \
	X(CPP_OUTPUT, "preprocessor output option")                     \
	X(DEBUG_INFO, "debug info (recorded switches)")                 \
	X(DIRECTIVES_ONLY, "-fdirectives-only")                         \
	X(DUMP, "compiler dumps")                                       \
	X(GIMPLE, "-fgimple")                                           \
	X(LAYOUT_SEED, "layout seed")                                   \
	X(LINKING, "link option")                                       \
	X(LONG_FORM, "long form of an option")                          \
	X(LTO, "LTO (records the directory)")                           \
	X(LTO_BACK_END, "LTO back end")                                 \
	X(MISSING_HEADERS, "missing headers allowed (-MG)")             \
	X(MODULES, "C++ modules")                                       \
	X(NATIVE, "tuned for this machine (native)")                    \
	X(OFFLOAD, "offload compilers")                                 \
	X(OPENMP, "OpenMP or OpenACC pragmas")                          \
	X(PLUGIN, "gcc plugin")                                         \
	X(PREPROCESSED, "-fpreprocessed")                               \
	X(PREPROCESSOR, "preprocessor option")                          \
	X(PROFILE, "profile options")                                   \
	X(RECORDED_SWITCHES, "recorded switches")                       \
	X(REPORT, "compiler reports")                                   \
	X(SAVE_TEMPS, "-save-temps")                                    \
	X(SEARCH_PATH, "compiler search path")                          \
	X(SPECS, "-specs")                                              \
	X(SPLIT_DEBUG, "split debug info")                              \
	X(TRADITIONAL, "traditional preprocessor")                      \
	X(WORKING_DIRECTORY, "-fworking-directory")                     \
	X(WRAPPER, "-wrapper")                                          \
	/* the environment */                                           \
	X(AS_SECURE_LOG_FILE, "AS_SECURE_LOG_FILE is set")              \
	X(CCC_OVERRIDE_OPTIONS, "CCC_OVERRIDE_OPTIONS is set")          \
	X(CC_LOG_DIAGNOSTICS, "CC_LOG_DIAGNOSTICS is set")              \
	X(CC_PRINT, "a CC_PRINT variable is set")                       \
	X(CLANG_NO_DEFAULT_CONFIG, "CLANG_NO_DEFAULT_CONFIG is set")    \
	X(COMPILER_PATH, "COMPILER_PATH is set")                        \
	X(DEPENDENCIES_OUTPUT, "DEPENDENCIES_OUTPUT is set")            \
	X(SARIF_SOCKET, "EXPERIMENTAL_SARIF_SOCKET is set")             \
	X(DIAGNOSTICS_CRASH, "FORCE_CLANG_DIAGNOSTICS_CRASH is set")    \
	X(GCC_COMPARE_DEBUG, "GCC_COMPARE_DEBUG is set")                \
	X(GCC_DIAGNOSTICS_LOG, "GCC_DIAGNOSTICS_LOG is set")            \
	X(GCC_EXEC_PREFIX, "GCC_EXEC_PREFIX is set")                    \
	X(GCC_ROOT, "GCC_ROOT is set")                                  \
	X(LLVM_OVERRIDE_PRODUCER, "LLVM_OVERRIDE_PRODUCER is set")      \
	X(QA_OVERRIDE, "QA_OVERRIDE_GCC3_OPTIONS is set")               \
	X(RC_DEBUG_OPTIONS, "RC_DEBUG_OPTIONS is set")                  \
	X(SDKROOT, "SDKROOT is set")                                    \
	X(SUNPRO_DEPENDENCIES, "SUNPRO_DEPENDENCIES is set")            \
	/* the scanner: the command line */                             \
	X(NO_COMMAND, "no command")                                     \
	X(NOT_ONE_SOURCE, "not one source")                             \
	X(SOURCE_LANGUAGE, "language")                                  \
	X(TARGET, "target")                                             \
	X(OPTION, "option")                                             \
	X(NO_VALUE, "option without its value")                         \
	X(SEARCH_DIRECTORY, "odd search directory")                     \
	X(NEWLINE, "newline in a definition")                           \
	X(ODD_DEFINITION, "odd definition on the command line")         \
	X(COMPILER_ENVIRONMENT, "environment of the compiler")          \
	/* what the compiler says of itself */                          \
	X(NO_MACROS, "the compiler does not name its macros")           \
	X(NO_DIRECTORIES, "the compiler does not name its directories") \
	X(NO_OPERATOR, "the compiler does not answer an operator")      \
	X(COMPILER_QUESTION, "a question to the compiler")              \
	/* files */                                                     \
	X(NO_SOURCE, "source that is not there")                        \
	X(NO_HEADER, "header not found")                                \
	X(NO_INPUT, "input that is not there")                          \
	X(NO_INCBIN, ".incbin of a file that is not there")             \
	X(NO_ASSEMBLER_FILE, "assembler file that is not there")        \
	X(ASSEMBLER_UNREADABLE, "assembler file that cannot be read")   \
	X(ASSEMBLER_INCLUDES, "assembler file that names others")       \
	X(FILE_UNREADABLE, "file that cannot be read")                  \
	X(FILE_STAT, "file that cannot be looked at")                   \
	X(FILE_CHANGES, "file that keeps changing")                     \
	X(INCLUDE_DEPTH, "includes nested too deeply")                  \
	X(ENDLESS_INCLUDES, "includes without end")                     \
	X(MEMORY, "too much for the memory")                            \
	/* directives */                                                \
	X(DIRECTIVE, "unknown directive")                               \
	X(DIRECTIVE_ERROR, "#error or a directive in error")            \
	X(EMBED, "#embed")                                              \
	X(IMPORT, "#import")                                            \
	X(ASSERT, "#assert")                                            \
	X(ELIFDEF, "#elifdef before C23")                               \
	X(LINE_NAME, "#line with a name that is not plain")             \
	X(MANY_DIRECTIVES, "file of too many directives")               \
	X(CONDITIONALS, "conditionals that do not match")               \
	X(CONDITION_NAME, "conditional without a name")                 \
	X(INCLUDE_OPERAND, "include of no header")                      \
	X(MACRO_NAME, "odd name of a macro")                            \
	X(PRAGMA, "pragma that we do not follow")                       \
	X(PRAGMA_OPTIONS, "pragma that changes the compiler's options") \
	X(INCBIN_NAME, ".incbin or .include, name not plain")           \
	X(INCBIN_PIECES, ".incbin, perhaps, in pieces")                 \
	X(TIME_PIECES, "__DATE__ or __TIME__, perhaps, in pieces")      \
	X(SPLIT_WORD, "word across two lines")                          \
	X(ODD_BYTES, "trigraph, carriage return or raw string")         \
	X(LINE_COMMENT, "// before C99")                                \
	/* macros and conditions */                                     \
	X(IF_ERROR, "#if in error")                                     \
	X(IF_DEPTH, "#if too deep")                                     \
	X(DEFINED_NAME, "defined without a name")                       \
	X(SHIFT, "shift that C does not define")                        \
	X(DIVISION, "division by zero in #if")                          \
	X(PASTE, "## that makes no token")                              \
	X(OPEN_ARGUMENTS, "macro arguments that do not end")            \
	X(ARGUMENT_COUNT, "wrong number of macro arguments")            \
	X(BAD_MACRO, "macro defined in error")                          \
	X(ENDLESS_MACRO, "macro expansion without end")                 \
	X(HAS_INCLUDE, "__has_include")                                 \
	X(HAS_INCLUDE_PARENTHESES, "__has_include without parentheses") \
	X(HAS_INCLUDE_OPERAND, "__has_include of no header")            \
	X(HAS_INCLUDE_OUTSIDE, "__has_include outside a file")          \
	X(OPERATOR_PARENTHESES, "an operator without parentheses")      \
	X(OPERATOR_OPERAND, "an operator's odd operand")                \
	X(LINE_MACRO, "__LINE__ in an odd place")                       \
	X(COUNTER, "__COUNTER__ in a directive")                        \
	X(FILE_MACRO, "__FILE__, __DATE__ or _Pragma in a directive")

enum reason {
	REASON_NONE, /* there is none: it may go to a node */
#define REASON(name, words) REASON_##name,
	REASON_LIST(REASON)
#undef REASON
	REASONS, /* how many */
};

/* The words; "" for REASON_NONE.  A literal. */
const char *reason_words(enum reason why);

#endif
