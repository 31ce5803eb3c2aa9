"""Loops over pdfium's functions in machine code: characters of a text page, objects of a page, segments of a path.

pdfium answers for one character a call. From Python a call takes 0.4 microseconds, ten times what pdfium needs for the
answer, and a page wants thousands. llvmlite, which numba brings along, turns the loops below into machine code in 15
milliseconds a process; numba itself would take a second to be imported. The loops run over indices below the count
that pdfium gives, write into arrays that they are given, and do nothing else. What pdfium refuses stays zero.
"""

import ctypes
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numpy as np
import numpy.typing as npt
import pypdfium2.raw as pdfium

RUN = np.dtype([("font", "u8"), ("size", "f8"), ("foot", "f8"), ("matrix", "f4", 6), ("first", "i4"), ("unused", "i4")])
"""Font and its size in the text's own space, height of the first origin, text matrix, and the first character."""
OBJECT = np.dtype([("address", "u8"), ("bounds", "f4", 4), ("kind", "i4"), ("unused", "i4")])
"""A page object: address, left, bottom, right and top in points, FPDF_PAGEOBJ_*."""
SEGMENT = np.dtype([("point", "f4", 2), ("kind", "i4"), ("closes", "i4")])
"""A segment of a path: its end in the path's own space, FPDF_SEGMENT_*, and whether it closes a figure."""
Records = npt.NDArray[np.void]

_LOOPS = """
declare i32 @FPDFText_GetLooseCharBox(ptr, i32, ptr)
declare i32 @FPDFText_GetCharOrigin(ptr, i32, ptr, ptr)
declare i32 @FPDFText_GetUnicode(ptr, i32)
declare ptr @FPDFText_GetTextObject(ptr, i32)
declare ptr @FPDFTextObj_GetFont(ptr)
declare double @FPDFText_GetFontSize(ptr, i32)
declare i32 @FPDFText_GetMatrix(ptr, i32, ptr)
declare ptr @FPDFPage_GetObject(ptr, i32)
declare i32 @FPDFPageObj_GetType(ptr)
declare i32 @FPDFPageObj_GetBounds(ptr, ptr, ptr, ptr, ptr)
declare ptr @FPDFPath_GetPathSegment(ptr, i32)
declare i32 @FPDFPathSegment_GetType(ptr)
declare i32 @FPDFPathSegment_GetClose(ptr)
declare i32 @FPDFPathSegment_GetPoint(ptr, ptr, ptr)
%run = type { ptr, double, double, [6 x float], i32, i32 }
%object = type { ptr, [4 x float], i32, i32 }
%segment = type { [2 x float], i32, i32 }

define i32 @read_characters(
  ptr %page, i32 %begin, i32 %end, i32 %known, ptr %box, ptr %code, ptr %run, ptr %runs
) {
entry:
  %x = alloca double
  br label %head
head:
  %index = phi i32 [ %begin, %entry ], [ %next, %write ]
  %count = phi i32 [ 0, %entry ], [ %after, %write ]
  %before = phi ptr [ null, %entry ], [ %last, %write ]
  %more = icmp slt i32 %index, %end
  br i1 %more, label %each, label %done
each:
  %unit = call i32 @FPDFText_GetUnicode(ptr %page, i32 %index)
  %space = icmp eq i32 %unit, 32
  %control = sub i32 %unit, 9
  %break = icmp ult i32 %control, 5
  %blank = or i1 %space, %break
  br i1 %blank, label %write, label %ink
ink:
  %object = call ptr @FPDFText_GetTextObject(ptr %page, i32 %index)
  %same = icmp eq ptr %object, %before
  %started = icmp sgt i32 %count, 0
  %goes_on = and i1 %same, %started
  br i1 %goes_on, label %write, label %start
start:
  %font_at = getelementptr %run, ptr %runs, i32 %count, i32 0
  %size_at = getelementptr %run, ptr %runs, i32 %count, i32 1
  %foot_at = getelementptr %run, ptr %runs, i32 %count, i32 2
  %matrix_at = getelementptr %run, ptr %runs, i32 %count, i32 3
  %first_at = getelementptr %run, ptr %runs, i32 %count, i32 4
  %font = call ptr @FPDFTextObj_GetFont(ptr %object)
  %size = call double @FPDFText_GetFontSize(ptr %page, i32 %index)
  %scaled = call i32 @FPDFText_GetMatrix(ptr %page, i32 %index, ptr %matrix_at)
  %placed = call i32 @FPDFText_GetCharOrigin(ptr %page, i32 %index, ptr %x, ptr %foot_at)
  store ptr %font, ptr %font_at
  store double %size, ptr %size_at
  store i32 %index, ptr %first_at
  %added = add i32 %count, 1
  br label %write
write:
  %after = phi i32 [ %count, %each ], [ %count, %ink ], [ %added, %start ]
  %last = phi ptr [ %before, %each ], [ %object, %ink ], [ %object, %start ]
  %box_at = getelementptr [4 x float], ptr %box, i32 %index
  %code_at = getelementptr i32, ptr %code, i32 %index
  %run_at = getelementptr i32, ptr %run, i32 %index
  %boxed = call i32 @FPDFText_GetLooseCharBox(ptr %page, i32 %index, ptr %box_at)
  %place = add i32 %known, %after
  %which = sub i32 %place, 1
  store i32 %unit, ptr %code_at
  store i32 %which, ptr %run_at
  %next = add i32 %index, 1
  br label %head
done:
  ret i32 %count
}

define void @read_objects(ptr %page, i32 %end, ptr %objects) {
entry:
  br label %head
head:
  %index = phi i32 [ 0, %entry ], [ %next, %each ]
  %more = icmp slt i32 %index, %end
  br i1 %more, label %each, label %done
each:
  %address_at = getelementptr %object, ptr %objects, i32 %index, i32 0
  %left = getelementptr %object, ptr %objects, i32 %index, i32 1, i32 0
  %bottom = getelementptr %object, ptr %objects, i32 %index, i32 1, i32 1
  %right = getelementptr %object, ptr %objects, i32 %index, i32 1, i32 2
  %top = getelementptr %object, ptr %objects, i32 %index, i32 1, i32 3
  %kind_at = getelementptr %object, ptr %objects, i32 %index, i32 2
  %object = call ptr @FPDFPage_GetObject(ptr %page, i32 %index)
  %kind = call i32 @FPDFPageObj_GetType(ptr %object)
  %bounded = call i32 @FPDFPageObj_GetBounds(ptr %object, ptr %left, ptr %bottom, ptr %right, ptr %top)
  store ptr %object, ptr %address_at
  store i32 %kind, ptr %kind_at
  %next = add i32 %index, 1
  br label %head
done:
  ret void
}

define void @read_segments(ptr %path, i32 %end, ptr %segments) {
entry:
  br label %head
head:
  %index = phi i32 [ 0, %entry ], [ %next, %each ]
  %more = icmp slt i32 %index, %end
  br i1 %more, label %each, label %done
each:
  %x = getelementptr %segment, ptr %segments, i32 %index, i32 0, i32 0
  %y = getelementptr %segment, ptr %segments, i32 %index, i32 0, i32 1
  %kind_at = getelementptr %segment, ptr %segments, i32 %index, i32 1
  %closes_at = getelementptr %segment, ptr %segments, i32 %index, i32 2
  %segment = call ptr @FPDFPath_GetPathSegment(ptr %path, i32 %index)
  %kind = call i32 @FPDFPathSegment_GetType(ptr %segment)
  %closes = call i32 @FPDFPathSegment_GetClose(ptr %segment)
  %known = call i32 @FPDFPathSegment_GetPoint(ptr %segment, ptr %x, ptr %y)
  store i32 %kind, ptr %kind_at
  store i32 %closes, ptr %closes_at
  %next = add i32 %index, 1
  br label %head
done:
  ret void
}
"""
MOST_RUNS = 1 << 15
"""So many characters are read at a time, as each may be a run of its own."""


class _Loops:
    """The compiled loops; holds what owns their memory."""

    def __init__(self) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        module = llvm.parse_assembly(_LOOPS)
        for function in module.functions:
            if function.is_declaration:
                llvm.add_symbol(function.name, address_of(getattr(pdfium, function.name)))
        self._engine = llvm.create_mcjit_compiler(module, llvm.Target.from_default_triple().create_target_machine())
        self._engine.finalize_object()
        pointer, number = ctypes.c_void_p, ctypes.c_int
        self.characters = self._function("read_characters", number, pointer, *[number] * 3, *[pointer] * 4)
        self.objects = self._function("read_objects", None, pointer, number, pointer)
        self.segments = self._function("read_segments", None, pointer, number, pointer)

    def _function(self, name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
        return ctypes.CFUNCTYPE(result, *arguments)(self._engine.get_function_address(name))


def address_of(handle: Any) -> int:
    """Return the address behind a handle or a function of pypdfium2's raw interface."""
    return ctypes.cast(handle, ctypes.c_void_p).value or 0


_LOOP = _Loops()


class Characters:
    """Arrays over the characters of several text pages, one page behind the other.

    box: loose box (left, top, right, bottom) in points. code: code point. run: number of the stretch that one text
    object draws (-1 or any other one for white space).
    """

    def __init__(self, size: int) -> None:
        self._runs = np.zeros(MOST_RUNS, RUN)
        self._make(size)

    def _make(self, size: int) -> None:
        self.box = np.empty((size, 4), np.float32)
        self.code, self.run = np.empty(size, np.uint32), np.empty(size, np.int32)

    def _arrays(self) -> tuple[npt.NDArray[Any], ...]:
        return self.box, self.code, self.run

    def reserve(self, size: int, kept: int) -> None:
        """Make room for `size` characters, keeping the first `kept`."""
        if size > len(self.code):
            old = self._arrays()
            self._make(size)
            for new, known in zip(self._arrays(), old, strict=True):
                new[:kept] = known[:kept]

    def read(self, textpage: int, first: int, count: int, known: int) -> Records:
        """Read `count` characters of the text page at an address to the places from `first`; return their RUNs.

        Runs are numbered from `known`. Raises IndexError when the arrays are too short.
        """
        arrays = self._arrays()
        if first + count > len(self.code):
            raise IndexError(f"{first + count} characters, room for {len(self.code)}")
        for array in arrays:
            array[first : first + count] = 0
        at = [array.ctypes.data + first * array.strides[0] for array in arrays]
        found: list[Records] = []
        for begin in range(0, count, MOST_RUNS):
            end = min(count, begin + MOST_RUNS)
            size = _LOOP.characters(textpage, begin, end, known, *at, self._runs.ctypes.data)
            found.append(self._runs[:size].copy())
            self._runs[:size] = 0
            known += size
        return found[0] if len(found) == 1 else np.concatenate([self._runs[:0], *found])


def read_objects(page: int, count: int) -> Records:
    """Return the first `count` OBJECTs of the page at an address."""
    objects = np.zeros(count, OBJECT)
    _LOOP.objects(page, count, objects.ctypes.data)
    return objects


def read_segments(path: int, count: int) -> Records:
    """Return the first `count` SEGMENTs of the path at an address."""
    segments = np.zeros(count, SEGMENT)
    _LOOP.segments(path, count, segments.ctypes.data)
    return segments
