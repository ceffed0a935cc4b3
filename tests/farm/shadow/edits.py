# SPDX-License-Identifier: GPL-2.0-or-later
"""Random edits of a kernel tree.

An edit is a function (world, rng, state) that changes both source trees and
returns a description, or None if it does not apply.  `state` has the sources,
headers and device trees of the configuration; `state.serial()` is a number that
no other edit has.
"""
import os
import re
import time

INCLUDES = ['linux/bitrev.h', 'linux/crc16.h', 'linux/gcd.h', 'linux/lcm.h',
            'linux/log2.h', 'linux/sort.h', 'linux/string.h', 'linux/uuid.h']


def some_source(world, rng, state):
    return rng.choice([p for p in state.sources if world.exists(p)])


def after_includes(text, line):
    """Insert a line below the last #include at the top of a file."""
    lines = text.split('\n')
    last = max((i for i, l in enumerate(lines[:80])
                if l.startswith('#include ')), default=0)
    lines.insert(last + 1, line)
    return '\n'.join(lines)


def in_body(text, rng, line):
    """Insert a line at the start of a function; None without a function."""
    bodies = [m.end() for m in re.finditer(r'(?<=\)\n)\{\n', text)]
    if not bodies:
        return None
    at = rng.choice(bodies)
    return text[:at] + line + '\n' + text[at:]


def edit_body(world, rng, state):
    path, n = some_source(world, rng, state), state.serial()
    text = in_body(world.read(path), rng,
                   '\tint shadow_%d __attribute__((unused)) ='
                   ' ({ asm volatile("nop"); %d; });' % (n, n))
    if text is None:
        return None
    world.apply({path: text})
    return 'edit a function of ' + path


def edit_comment(world, rng, state):
    path = some_source(world, rng, state)
    world.apply({path: world.read(path) + '/* %d */\n' % state.serial()})
    return 'add a comment at the end of ' + path


def add_include(world, rng, state):
    path, header = some_source(world, rng, state), rng.choice(INCLUDES)
    world.apply({path: after_includes(world.read(path),
                                      '#include <%s>' % header)})
    return 'include <%s> in %s' % (header, path)


def remove_include(world, rng, state):
    path = some_source(world, rng, state)
    text = world.read(path)
    found = re.findall(r'^#include .*\n', text, re.M)
    if not found:
        return None
    line = rng.choice(found)
    world.apply({path: text.replace(line, '', 1)}, temporary=True)
    return 'remove %s from %s' % (line.strip(), path)


def touch(world, rng, state):
    path = rng.choice([some_source(world, rng, state),
                       rng.choice(state.narrow_headers)])
    world.touch(path)
    return 'touch ' + path


def touch_old(world, rng, state):
    path = some_source(world, rng, state)
    world.touch(path, time.time_ns() - 86400 * 10**9)
    return 'set %s to an mtime of yesterday' % path


def _edit_header(world, rng, state, path):
    n = state.serial()
    text = world.read(path)
    addition = rng.choice(['/* shadow %d */\n', '#define SHADOW_%d\n'])
    if rng.random() < 0.5:  # shift the numbers of all lines
        text = addition % n + text
    else:
        end = text.rindex('#endif')
        text = text[:end] + addition % n + text[end:]
    world.apply({path: text})
    return 'edit the header ' + path


def edit_narrow_header(world, rng, state):
    return _edit_header(world, rng, state, rng.choice(state.narrow_headers))


def edit_wide_header(world, rng, state):
    return _edit_header(world, rng, state, rng.choice(state.wide_headers))


def syntax_error(world, rng, state):
    path = some_source(world, rng, state)
    text = in_body(world.read(path), rng,
                   '\tshadow error %d;' % state.serial())
    if text is None:
        return None
    world.apply({path: text}, temporary=True)
    return 'syntax error in ' + path


def header_error(world, rng, state):
    path = rng.choice(state.narrow_headers)
    text = world.read(path)
    end = text.rindex('#endif')
    world.apply({path: text[:end] + rng.choice(
        ['#error shadow\n', 'shadow error;\n',
         '#include <linux/no-such-shadow.h>\n']) + text[end:]},
        temporary=True)
    return 'error in the header ' + path


def two_errors(world, rng, state):
    said = [syntax_error(world, rng, state) for _ in range(2)]
    return ', '.join(s for s in said if s) or None


def warning(world, rng, state):
    path, n = some_source(world, rng, state), state.serial()
    world.apply({path: world.read(path) +
                 'static int shadow_unused_%d;\n' % n})
    return 'warning in ' + path


def _listed(world, rng, state):
    """Choose a source that its Makefile names once; return both."""
    path = some_source(world, rng, state)
    makefile = os.path.join(os.path.dirname(path), 'Makefile')
    name = re.escape(os.path.basename(path)[:-2] + '.o')
    text = world.read(makefile)
    at = list(re.finditer(r'(?<![\w-])' + name + r'(?![\w.])', text))
    if len(at) != 1:
        return path, makefile, None, None
    return path, makefile, text, at[0]


def rename_source(world, rng, state):
    path, makefile, text, at = _listed(world, rng, state)
    if not at:
        return None
    new = re.sub(r'(-s\d+)?\.c$', '-s%d.c' % state.serial(), path)
    world.apply({path: None, new: world.read(path),
                 makefile: text[:at.start()] + os.path.basename(new)[:-2] +
                 '.o' + text[at.end():]},
                mtimes={new: world.mtime(path)})
    state.sources.append(new)
    return 'rename %s to %s' % (path, os.path.basename(new))


def remove_source(world, rng, state):
    path, makefile, text, at = _listed(world, rng, state)
    if not at:
        return None
    world.apply({path: None, makefile: text[:at.start()] + text[at.end():]},
                temporary=rng.random() < 0.7)
    return 'remove %s and its name in %s' % (path, makefile)


def lose_source(world, rng, state):
    path = some_source(world, rng, state)
    world.apply({path: None}, temporary=True)
    return 'remove %s but not its name' % path


def shadow_header(world, rng, state):
    path = rng.choice(state.narrow_headers)
    new = 'arch/%s/%s' % (state.arch_dir, path)
    if world.exists(new):
        return None
    world.apply({new: '/* shadow %d */\n#include_next <%s>\n' % (
        state.serial(), path[len('include/'):])})
    said = 'shadow the header ' + path
    if rng.random() < 0.7:
        said += ', ' + touch(world, rng, state)
    return said


def move_header(world, rng, state):
    path = rng.choice(state.narrow_headers)
    new = 'arch/%s/%s' % (state.arch_dir, path)
    if world.exists(new):
        return None
    world.apply({path: None, new: world.read(path)},
                mtimes={new: world.mtime(path)}, temporary=True)
    return 'move the header %s to arch/%s' % (path, state.arch_dir)


def end_lines_by_crlf(world, rng, state):
    path = rng.choice([some_source(world, rng, state),
                       rng.choice(state.narrow_headers)])
    world.apply({path: world.read(path).replace('\n', '\r\n')},
                temporary=True)
    return 'end the lines of %s by CR and LF' % path


def edit_makefile(world, rng, state):
    makefile = os.path.join(os.path.dirname(some_source(world, rng, state)),
                            'Makefile')
    if makefile == 'lib/Makefile':  # would compile all modules
        return None
    line = rng.choice(['ccflags-y += -DSHADOW=%d', '# %d']) % state.serial()
    world.apply({makefile: world.read(makefile) + line + '\n'})
    return 'add "%s" to %s' % (line, makefile)


def flags_of_source(world, rng, state):
    path = some_source(world, rng, state)
    makefile = os.path.join(os.path.dirname(path), 'Makefile')
    line = 'CFLAGS_%s.o += %s' % (
        os.path.basename(path)[:-2],
        rng.choice(['-O2', '-fno-inline', '-DSHADOW', '-save-temps=obj',
                    '-fstack-usage', '-Wextra', '-fverbose-asm']))
    world.apply({makefile: world.read(makefile) + line + '\n'})
    return 'add "%s" to %s' % (line, makefile)


def edit_kconfig(world, rng, state):
    world.apply({'lib/Kconfig': world.read('lib/Kconfig') +
                 '\nconfig SHADOW_%d\n\tdef_bool y\n' % state.serial()})
    return 'add a symbol to lib/Kconfig'


def edit_devicetree(world, rng, state):
    if not state.devicetrees:
        return None
    path, text = rng.choice(state.devicetrees), None
    text = world.read(path)
    at = text.index('/ {\n') + 4
    n = state.serial()
    way = rng.choice(['property', 'property', 'error', 'node', 'reference'])
    addition = {'property': '\tshadow-%d = <%d>;\n',
                'error': '\tshadow %d = %d\n',
                'node': '\tzz-shadow-%d { shadow = <%d>; };\n',
                'reference': '\tshadow-%d = <&no_label_%d>;\n'}[way] % (n, n)
    if way == 'node':
        at = text.index('};', text.rindex('\n/ {' if '\n/ {' in text
                                          else '/ {'))
        return None if text[at - 1] != '\n' else _devicetree(
            world, path, text, at, addition, way)
    return _devicetree(world, path, text, at, addition, way)


def _devicetree(world, path, text, at, addition, way):
    world.apply({path: text[:at] + addition + text[at:]},
                temporary=way in ('error', 'reference'))
    return '%s in the device tree %s' % (way, path)


def edit_overlay(world, rng, state):
    if not state.devicetrees:
        return None
    makefile = state.devicetrees[0].rpartition('/')[0] + '/Makefile'
    path, text = makefile[:-8] + 'shadow-overlay.dts', world.read(makefile)
    changes = {path: '/dts-v1/;\n/plugin/;\n&{/} { shadow = <%d>; };\n' %
               state.serial()}
    if 'shadow-overlay' not in text:
        changes[makefile] = text + 'dtb-y += shadow-overlay.dtbo\n'
    world.apply(changes)
    return 'overlay of the device tree ' + path


def edit_payload(world, rng, state):
    """Edit a file that becomes a part of the kernel's data."""
    path = rng.choice(['shadow/init', 'shadow/root/etc/motd',
                       'shadow/firmware/shadow.bin'])
    world.apply({path: 'contents %d\n' % state.serial()})
    return 'edit ' + path


def include_if_present(world, rng, state):
    path = some_source(world, rng, state)
    world.apply({path: after_includes(
        world.read(path),
        '#if __has_include(<shadow-path.h>)\n'
        '#include <shadow-path.h>\n#endif')})
    return 'include <shadow-path.h> in %s if it exists' % path


def revert(world, rng, state):
    able = [e for e in world.applied if world.can_revert(e)]
    if not able:
        return None
    edit, old = rng.choice(able), rng.random() < 0.4
    world.revert(edit, old)
    world.applied.remove(edit)
    return 'revert %s with %s mtime' % (', '.join(edit[1]),
                                        'the old' if old else 'a new')


def remove_output(world, rng, state):
    """Remove an output, or its .cmd file, from both build directories."""
    outputs = sorted(p for p in world.sides[0].stamps
                     if p in world.sides[1].stamps and
                     p.startswith(state.output_dirs) and
                     re.search(r'\.(o|a|ko|dtb|cmd|mod|order)$', p))
    if not outputs:
        return None
    path = rng.choice(outputs)
    world.remove_output(path)
    return 'remove the output ' + path


EDITS = [  # with their weights
    (edit_body, 14), (edit_comment, 4), (add_include, 5), (remove_include, 4),
    (touch, 4), (touch_old, 1), (edit_narrow_header, 8),
    (edit_wide_header, 1), (syntax_error, 4), (header_error, 3),
    (two_errors, 2), (warning, 4), (rename_source, 4), (remove_source, 3),
    (lose_source, 2), (shadow_header, 4), (edit_makefile, 2),
    (flags_of_source, 4), (edit_kconfig, 1), (edit_devicetree, 7),
    (edit_overlay, 2), (move_header, 3), (end_lines_by_crlf, 1),
    (edit_payload, 2), (include_if_present, 3), (revert, 10),
    (remove_output, 4)]
