"""nbgrader's settings for this course; used by `course` and by every stock `nbgrader` command run in this folder."""

from course.build import preprocessors as build
from course.grading import preprocessors as grading
from course.grading.isolation import preprocessor as isolation

c = get_config()  # noqa: F821 - traitlets defines it

c.CourseDirectory.course_id = "sliding-windows"
c.CourseDirectory.solution_directory = "solutions"

# Release: our question cells carry the mark scheme, so that formgrader shows it beside the answer.
c.ClearMarkScheme.enforce_metadata = False

# Solutions: run everything, hidden tests included, stop on the first error, then take out what isn't for reading.
c.GenerateSolution.preprocessors = build.SOLUTION_STEPS
c.CoalesceStreamsPreprocessor.enabled = True  # one output however the kernel's messages were cut up
c.Execute.timeout = 120
c.Execute.record_timing = False
c.KernelManager.transport_encryption = "required"  # also spares a warning on every start

# Grading: what a student's notebook lost is put back before nbgrader looks at it.
c.Autograde.sanitize_preprocessors = grading.SANITIZE_STEPS
# Student code runs in a sandbox, tests outside it. Without this line everything runs in one kernel, nbgrader's own way.
c.Autograde.autograde_preprocessors = isolation.AUTOGRADE_STEPS

# Feedback: students see marks, messages and their answers; not the tests.
c.GenerateFeedback.preprocessors = grading.FEEDBACK_STEPS
c.GenerateFeedback.exporter_class = grading.FeedbackExporter
c.FeedbackExporter.template_name = "marks"
c.FeedbackExporter.extra_template_basedirs = [grading.TEMPLATES]

# Formgrader shows students' cells and outputs within your Jupyter session: without this, their scripts would run in it.
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = {"markdown2html": grading.safe_markdown}
