"""Loops over pdfium's functions in machine code: characters of a text page, paths of a page, segments of a path.

pdfium answers for one character a call. From Python a call takes 0.4 microseconds, ten times what pdfium needs for the
answer, and a page wants thousands. llvmlite, which numba brings along, turns the loops below into machine code in 15
milliseconds a process; numba itself would take a second to be imported. The loops run over indices below the count
that pdfium gives, write into arrays that they are given, and do nothing else. What pdfium refuses is zero.
"""

import ctypes
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numpy as np
import pypdfium2.raw as pdfium

RUN = np.dtype([("size", "f8"), ("foot", "f8"), ("matrix", "f4", 6), ("font", "i4"), ("unused", "i4")])
"""Size of the font in the text's own space, height of the first origin, text matrix, number of the FONT."""
FONT = np.dtype([("address", "u8"), ("first", "i4"), ("unused", "i4")])
"""A font that one or more runs on end have: address, and the first character in it."""
PATH = np.dtype([("address", "u8"), ("bounds", "f4", 4), ("segments", "i4"), ("drawn", "i4")])
"""A path: address, left, bottom, right, top in points, number of segments, 1 when it is filled or stroked."""
SEGMENT = np.dtype([("point", "f4", 2), ("kind", "i4"), ("closes", "i4")])
"""A segment of a path: its end in the path's own space, FPDF_SEGMENT_*, and whether it closes a figure."""
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
declare i32 @FPDFPageObj_GetMatrix(ptr, ptr)
declare i32 @FPDFPath_CountSegments(ptr)
declare i32 @FPDFPath_GetDrawMode(ptr, ptr, ptr)
declare ptr @FPDFPath_GetPathSegment(ptr, i32)
declare i32 @FPDFPathSegment_GetType(ptr)
declare i32 @FPDFPathSegment_GetClose(ptr)
declare i32 @FPDFPathSegment_GetPoint(ptr, ptr, ptr)
%run = type { double, double, [6 x float], i32, i32 }
%font = type { ptr, i32, i32 }
%path = type { ptr, [4 x float], i32, i32 }
%segment = type { [2 x float], i32, i32 }

define i32 @read_characters(
  ptr %page, i32 %end, i32 %known, i32 %known_fonts,
  ptr %box, ptr %code, ptr %run, ptr %runs, ptr %fonts, ptr %font_count
) {
entry:
  %x = alloca double
  br label %head
head:
  %index = phi i32 [ 0, %entry ], [ %next, %write ]
  %count = phi i32 [ 0, %entry ], [ %after, %write ]
  %before = phi ptr [ null, %entry ], [ %last, %write ]
  %fonts_before = phi i32 [ 0, %entry ], [ %fonts_after, %write ]
  %font_before = phi ptr [ null, %entry ], [ %font_last, %write ]
  %more = icmp slt i32 %index, %end
  br i1 %more, label %each, label %done
each:
  %box_at = getelementptr [4 x float], ptr %box, i32 %index
  store [4 x float] zeroinitializer, ptr %box_at
  %unit = call i32 @FPDFText_GetUnicode(ptr %page, i32 %index)
  %space = icmp eq i32 %unit, 32
  %control = sub i32 %unit, 9
  %break = icmp ult i32 %control, 5
  %blank = or i1 %space, %break
  br i1 %blank, label %write, label %ink
ink:
  %boxed = call i32 @FPDFText_GetLooseCharBox(ptr %page, i32 %index, ptr %box_at)
  %object = call ptr @FPDFText_GetTextObject(ptr %page, i32 %index)
  %same = icmp eq ptr %object, %before
  %started = icmp sgt i32 %count, 0
  %goes_on = and i1 %same, %started
  br i1 %goes_on, label %write, label %start
start:
  %run_from = getelementptr %run, ptr %runs, i32 %count
  store %run zeroinitializer, ptr %run_from
  %size_at = getelementptr %run, ptr %run_from, i32 0, i32 0
  %foot_at = getelementptr %run, ptr %run_from, i32 0, i32 1
  %matrix_at = getelementptr %run, ptr %run_from, i32 0, i32 2
  %number_at = getelementptr %run, ptr %run_from, i32 0, i32 3
  %size = call double @FPDFText_GetFontSize(ptr %page, i32 %index)
  %scaled = call i32 @FPDFText_GetMatrix(ptr %page, i32 %index, ptr %matrix_at)
  %placed = call i32 @FPDFText_GetCharOrigin(ptr %page, i32 %index, ptr %x, ptr %foot_at)
  %font = call ptr @FPDFTextObj_GetFont(ptr %object)
  %changed = icmp ne ptr %font, %font_before
  %none = icmp eq i32 %fonts_before, 0
  %is_new = or i1 %changed, %none
  %font_at = getelementptr %font, ptr %fonts, i32 %fonts_before, i32 0
  %first_at = getelementptr %font, ptr %fonts, i32 %fonts_before, i32 1
  store ptr %font, ptr %font_at
  store i32 %index, ptr %first_at
  %one_more = zext i1 %is_new to i32
  %fonts_now = add i32 %fonts_before, %one_more
  %all_fonts = add i32 %known_fonts, %fonts_now
  %number = sub i32 %all_fonts, 1
  store double %size, ptr %size_at
  store i32 %number, ptr %number_at
  %added = add i32 %count, 1
  br label %write
write:
  %after = phi i32 [ %count, %each ], [ %count, %ink ], [ %added, %start ]
  %last = phi ptr [ %before, %each ], [ %object, %ink ], [ %object, %start ]
  %fonts_after = phi i32 [ %fonts_before, %each ], [ %fonts_before, %ink ], [ %fonts_now, %start ]
  %font_last = phi ptr [ %font_before, %each ], [ %font_before, %ink ], [ %font, %start ]
  %code_at = getelementptr i32, ptr %code, i32 %index
  %run_at = getelementptr i32, ptr %run, i32 %index
  %place = add i32 %known, %after
  %which = sub i32 %place, 1
  store i32 %unit, ptr %code_at
  store i32 %which, ptr %run_at
  %next = add i32 %index, 1
  br label %head
done:
  %box_end = getelementptr [4 x float], ptr %box, i32 %end
  %code_end = getelementptr i32, ptr %code, i32 %end
  %run_end = getelementptr i32, ptr %run, i32 %end
  store [4 x float] zeroinitializer, ptr %box_end
  store i32 10, ptr %code_end
  store i32 -1, ptr %run_end
  store i32 %fonts_before, ptr %font_count
  ret i32 %count
}

define i32 @read_paths(ptr %page, i32 %end, i32 %early, double %thin, i32 %most, ptr %paths, ptr %walked, ptr %counts) {
entry:
  %fill = alloca i32
  %stroke = alloca i32
  %walks = getelementptr i32, ptr %counts, i32 1
  store i64 0, ptr %counts, align 4
  br label %head
head:
  %index = phi i32 [ 0, %entry ], [ %next, %each ], [ %next, %picture ], [ %next, %shape ],
                   [ %next, %stepping ], [ %next, %straight ]
  %count = phi i32 [ 0, %entry ], [ %count, %each ], [ %count, %picture ], [ %added, %shape ],
                   [ %added, %stepping ], [ %added, %straight ]
  %more = icmp slt i32 %index, %end
  br i1 %more, label %each, label %done
each:
  %next = add i32 %index, 1
  %object = call ptr @FPDFPage_GetObject(ptr %page, i32 %index)
  %kind = call i32 @FPDFPageObj_GetType(ptr %object)
  switch i32 %kind, label %head [ i32 2, label %shape
                                  i32 3, label %picture
                                  i32 5, label %picture ]
picture:
  %is_early = icmp slt i32 %index, %early
  %one_picture = zext i1 %is_early to i32
  %pictures = load i32, ptr %counts
  %all_pictures = add i32 %pictures, %one_picture
  store i32 %all_pictures, ptr %counts
  br label %head
shape:
  %path_at = getelementptr %path, ptr %paths, i32 %count
  store %path zeroinitializer, ptr %path_at
  store i32 0, ptr %fill
  store i32 0, ptr %stroke
  %left = getelementptr %path, ptr %path_at, i32 0, i32 1, i32 0
  %bottom = getelementptr %path, ptr %path_at, i32 0, i32 1, i32 1
  %right = getelementptr %path, ptr %path_at, i32 0, i32 1, i32 2
  %top = getelementptr %path, ptr %path_at, i32 0, i32 1, i32 3
  %segments_at = getelementptr %path, ptr %path_at, i32 0, i32 2
  %drawn_at = getelementptr %path, ptr %path_at, i32 0, i32 3
  %bounded = call i32 @FPDFPageObj_GetBounds(ptr %object, ptr %left, ptr %bottom, ptr %right, ptr %top)
  %segments = call i32 @FPDFPath_CountSegments(ptr %object)
  %known = call i32 @FPDFPath_GetDrawMode(ptr %object, ptr %fill, ptr %stroke)
  %filled = load i32, ptr %fill
  %stroked = load i32, ptr %stroke
  %either = or i32 %filled, %stroked
  %is_drawn = icmp ne i32 %either, 0
  %drawn = zext i1 %is_drawn to i32
  store ptr %object, ptr %path_at
  store i32 %segments, ptr %segments_at
  store i32 %drawn, ptr %drawn_at
  %added = add i32 %count, 1
  %x0 = load float, ptr %left
  %y0 = load float, ptr %bottom
  %x1 = load float, ptr %right
  %y1 = load float, ptr %top
  %left_x = fpext float %x0 to double
  %right_x = fpext float %x1 to double
  %low_y = fpext float %y0 to double
  %high_y = fpext float %y1 to double
  %wide = fsub double %right_x, %left_x
  %tall = fsub double %high_y, %low_y
  %is_wide = fcmp ogt double %wide, %thin
  %is_tall = fcmp ogt double %tall, %thin
  %bounded_segments = icmp sle i32 %segments, %most
  %no_quad = icmp ne i32 %segments, 4
  %no_quint = icmp ne i32 %segments, 5
  %large = and i1 %is_wide, %is_tall
  %no_box = and i1 %no_quad, %no_quint
  %few = and i1 %bounded_segments, %no_box
  %large_few = and i1 %large, %few
  %walk = and i1 %large_few, %is_drawn
  br i1 %walk, label %walking, label %head
walking:
  %step = phi i32 [ 0, %shape ], [ %step_next, %stepping ]
  %goes_on = icmp slt i32 %step, %segments
  br i1 %goes_on, label %stepping, label %straight
stepping:
  %step_next = add i32 %step, 1
  %segment = call ptr @FPDFPath_GetPathSegment(ptr %object, i32 %step)
  %segment_kind = call i32 @FPDFPathSegment_GetType(ptr %segment)
  %level_kind = or i32 %segment_kind, 2
  %no_curve = icmp eq i32 %level_kind, 2
  br i1 %no_curve, label %walking, label %head
straight:
  %walk_count = load i32, ptr %walks
  %walk_at = getelementptr i32, ptr %walked, i32 %walk_count
  store i32 %count, ptr %walk_at
  %all_walks = add i32 %walk_count, 1
  store i32 %all_walks, ptr %walks
  br label %head
done:
  ret i32 %count
}

define i32 @read_segments(ptr %path, i32 %end, ptr %matrix, ptr %segments) {
entry:
  %placed = call i32 @FPDFPageObj_GetMatrix(ptr %path, ptr %matrix)
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
  ret i32 %placed
}
"""


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
        self.characters = self._function("read_characters", number, pointer, *[number] * 3, *[pointer] * 6)
        self.paths = self._function(
            "read_paths", number, pointer, number, number, ctypes.c_double, number, *[pointer] * 3
        )
        self.segments = self._function("read_segments", number, pointer, number, *[pointer] * 2)

    def _function(self, name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
        return ctypes.CFUNCTYPE(result, *arguments)(self._engine.get_function_address(name))


def address_of(handle: Any) -> int:
    """Return the address behind a handle or a function of pypdfium2's raw interface."""
    return ctypes.cast(handle, ctypes.c_void_p).value or 0


LOOPS = _Loops()
