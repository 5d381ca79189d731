//! Line and bar plots as SVG files.
//!
//! Written by hand: it takes fewer lines than steering a drawing library past the missing font metrics, and
//! keeps coordinates finer than a pixel.

mod axis;
mod bars;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use axis::Axis;
pub use bars::Bars;
use ketline::quantum::file;

/// The palette of Okabe and Ito (2008), told apart with every kind of colour vision; without its yellow,
/// which is too light for a line on white.
const COLOURS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"];

/// Sizes in pixels: the picture's width, the height of a chart, and the margins around it.
const WIDTH: f64 = 720.0;
const CHART_HEIGHT: f64 = 300.0;
const LEFT: f64 = 78.0;
const RIGHT: f64 = 24.0;
const TITLE_HEIGHT: f64 = 42.0;
const LEGEND_HEIGHT: f64 = 22.0;
const BOTTOM: f64 = 62.0;

/// Coordinates from here on would overflow in a difference.
const LARGEST: f64 = 1e300;

/// A plot of several named lines.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    title: String,
    x_label: String,
    y_label: String,
    logarithmic: bool,
    series: Vec<Series>,
}

#[derive(Debug, Clone, PartialEq)]
struct Series {
    name: String,
    points: Vec<(f64, f64)>,
    dashed: bool,
}

/// A plot that cannot be drawn or written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// A coordinate is NaN, infinite or beyond 1e300.
    #[error("point {index} of series `{series}` is ({x}, {y}), expected finite coordinates")]
    NotFinite {
        /// Name of the series.
        series: String,
        /// Index of the point.
        index: usize,
        /// Its first coordinate.
        x: f64,
        /// Its second coordinate.
        y: f64,
    },
    /// Nothing can be shown.
    #[error("plot `{title}` has no point to show")]
    Empty {
        /// Title of the plot.
        title: String,
    },
    /// The file could not be written.
    #[error(transparent)]
    File(#[from] ketline::quantum::Error),
}

impl Plot {
    /// A plot without lines. Axis labels name their unit.
    pub fn new(title: impl Into<String>, x_label: impl Into<String>, y_label: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            x_label: x_label.into(),
            y_label: y_label.into(),
            logarithmic: false,
            series: Vec::new(),
        }
    }

    /// Divides the y axis by powers of ten. Points that are not positive are left out, and interrupt their
    /// line.
    #[must_use]
    pub fn logarithmic(self) -> Self {
        Self { logarithmic: true, ..self }
    }

    /// Adds a line.
    #[must_use]
    pub fn line(self, name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.with(name.into(), points.into_iter().collect(), false)
    }

    /// Adds a dashed line: a reference that others are compared with.
    #[must_use]
    pub fn dashed(self, name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.with(name.into(), points.into_iter().collect(), true)
    }

    /// The plot as an SVG document.
    ///
    /// # Errors
    /// [`PlotError::NotFinite`], [`PlotError::Empty`].
    pub fn svg(&self) -> Result<String, PlotError> {
        svg(std::slice::from_ref(self))
    }

    fn with(mut self, name: String, points: Vec<(f64, f64)>, dashed: bool) -> Self {
        self.series.push(Series { name, points, dashed });
        self
    }

    fn axes(&self) -> Result<(Axis, Axis), PlotError> {
        let mut points = Vec::new();
        for series in &self.series {
            for (index, &(x, y)) in series.points.iter().enumerate() {
                if !(x.abs() < LARGEST && y.abs() < LARGEST) {
                    return Err(PlotError::NotFinite { series: series.name.clone(), index, x, y });
                }
                if self.shows(y) {
                    points.push((x, y));
                }
            }
        }
        let empty = || PlotError::Empty { title: self.title.clone() };
        let x = Axis::linear(points.iter().map(|point| point.0), 0.0).ok_or_else(empty)?;
        let y = points.iter().map(|point| point.1);
        let y = if self.logarithmic { Axis::logarithmic(y) } else { Axis::linear(y, 0.06) };
        Ok((x, y.ok_or_else(empty)?))
    }

    fn shows(&self, y: f64) -> bool {
        !self.logarithmic || y > 0.0
    }

    /// Left end and row of each legend entry, and the number of rows.
    fn legend(&self) -> (Vec<(f64, usize)>, usize) {
        let (mut x, mut row) = (LEFT, 0);
        let mut places = Vec::with_capacity(self.series.len());
        for series in &self.series {
            let width = 34.0 + text_width(&series.name, 13.0) + 20.0;
            if x + width > WIDTH - RIGHT && x > LEFT {
                (x, row) = (LEFT, row + 1);
            }
            places.push((x, row));
            x += width;
        }
        (places, row + 1)
    }

    fn height(&self) -> f64 {
        TITLE_HEIGHT + self.legend().1 as f64 * LEGEND_HEIGHT + CHART_HEIGHT + BOTTOM
    }

    fn draw(&self, offset: f64) -> Result<String, PlotError> {
        let (x, y) = self.axes()?;
        let (places, rows) = self.legend();
        let top = offset + TITLE_HEIGHT + rows as f64 * LEGEND_HEIGHT + 6.0;
        let (right, bottom) = (WIDTH - RIGHT, top + CHART_HEIGHT);
        let mut canvas = Canvas::default();
        canvas.text(LEFT, offset + 28.0, "class=\"title\"", &self.title);
        for (value, label) in y.ticks() {
            let place = bottom - CHART_HEIGHT * y.share(value);
            canvas.line((LEFT, place), (right, place), "class=\"grid\"");
            canvas.text(LEFT - 9.0, place + 4.5, "text-anchor=\"end\"", &label);
        }
        for (value, label) in x.ticks() {
            let place = LEFT + (right - LEFT) * x.share(value);
            canvas.line((place, bottom), (place, bottom + 5.0), "class=\"axis\"");
            canvas.text(place, bottom + 20.0, "text-anchor=\"middle\"", &label);
        }
        canvas.line((LEFT, top), (LEFT, bottom), "class=\"axis\"");
        canvas.line((LEFT, bottom), (right, bottom), "class=\"axis\"");
        let middle = 0.5 * (LEFT + right);
        canvas.text(middle, bottom + 42.0, "class=\"label\" text-anchor=\"middle\"", &self.x_label);
        let middle = 0.5 * (top + bottom);
        let turned =
            format!("class=\"label\" text-anchor=\"middle\" transform=\"rotate(-90 20 {middle:.2})\"");
        canvas.text(20.0, middle, &turned, &self.y_label);
        for ((series, colour), (left, row)) in self.series.iter().zip(COLOURS.iter().cycle()).zip(places) {
            let style = series.style(colour);
            let height = offset + TITLE_HEIGHT + row as f64 * LEGEND_HEIGHT + 5.0;
            canvas.line((left, height), (left + 26.0, height), &style);
            canvas.text(left + 33.0, height + 4.5, "class=\"name\"", &series.name);
            for run in series.points.chunk_by(|a, b| self.shows(a.1) && self.shows(b.1)) {
                let place = |&(px, py): &(f64, f64)| {
                    (LEFT + (right - LEFT) * x.share(px), bottom - CHART_HEIGHT * y.share(py))
                };
                match run {
                    [point] if !self.shows(point.1) => {}
                    [point] => canvas.dot(place(point), colour),
                    points => canvas.polyline(points.iter().map(place), &style),
                }
            }
        }
        Ok(canvas.elements)
    }
}

impl Series {
    fn style(&self, colour: &str) -> String {
        let dashes = if self.dashed { " stroke-dasharray=\"7 5\"" } else { "" };
        format!("class=\"series\" stroke=\"{colour}\"{dashes}")
    }
}

/// Writes plots, one below the other, into one SVG file: the whole file or nothing. Its folder is made if it is missing.
///
/// # Errors
/// [`PlotError::NotFinite`], [`PlotError::Empty`], [`PlotError::File`].
pub fn write(path: &Path, plots: &[Plot]) -> Result<(), PlotError> {
    save(path, &svg(plots)?)
}

/// Writes a document, the whole file or nothing, and makes its folder if it is missing.
fn save(path: &Path, text: &str) -> Result<(), PlotError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| ketline::Error::File {
            file: folder.display().to_string(),
            reason: error.to_string(),
        })?;
    }
    Ok(file::write(path, text)?)
}

fn svg(plots: &[Plot]) -> Result<String, PlotError> {
    let (mut body, mut height) = (String::new(), 0.0);
    for plot in plots {
        body += &plot.draw(height)?;
        height += plot.height();
    }
    let titles = plots.iter().map(|plot| plot.title.as_str()).collect::<Vec<_>>().join("; ");
    Ok(document(&titles, height, &body))
}

/// An SVG document of this height.
fn document(title: &str, height: f64, body: &str) -> String {
    let title = escape(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\" \
         font-size=\"13\" fill=\"#333\">\n<title>{title}</title>\n<style>.title {{ font-size: 17px; font-weight: bold; \
         fill: #111 }} .label {{ font-size: 14px }} .grid {{ stroke: #e4e4e4 }} .axis {{ stroke: #555 }} \
         .series {{ fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: butt }}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{body}</svg>\n"
    )
}

/// The elements of a picture.
#[derive(Debug, Default)]
struct Canvas {
    elements: String,
}

// Writing to a string cannot fail.
impl Canvas {
    fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), attributes: &str) {
        let ends = format!("x1=\"{x1:.2}\" y1=\"{y1:.2}\" x2=\"{x2:.2}\" y2=\"{y2:.2}\"");
        let _ = writeln!(self.elements, "<line {ends} {attributes}/>");
    }

    fn text(&mut self, x: f64, y: f64, attributes: &str, text: &str) {
        let _ =
            writeln!(self.elements, "<text x=\"{x:.2}\" y=\"{y:.2}\" {attributes}>{}</text>", escape(text));
    }

    fn dot(&mut self, (x, y): (f64, f64), colour: &str) {
        let _ = writeln!(self.elements, "<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"2.5\" fill=\"{colour}\"/>");
    }

    fn rectangle(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), attributes: &str) {
        let place = format!("x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\"");
        let _ = writeln!(self.elements, "<rect {place} {attributes}/>");
    }

    fn polyline(&mut self, points: impl Iterator<Item = (f64, f64)>, attributes: &str) {
        let points: Vec<String> = points.map(|(x, y)| format!("{x:.2},{y:.2}")).collect();
        let _ = writeln!(self.elements, "<polyline points=\"{}\" {attributes}/>", points.join(" "));
    }
}

/// About how wide a text is, in pixels: a letter of a sans-serif font is on average 0.56 of its size wide.
fn text_width(text: &str, size: f64) -> f64 {
    0.56 * size * text.chars().count() as f64
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            // XML 1.0 has no way to write them.
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Plot {
        Plot::new("F & <c>", "step", "coherent error")
            .logarithmic()
            .line("a", [(0.0, 0.1), (1.0, 0.0), (2.0, 0.01), (3.0, 0.001)])
            .dashed("b", [(0.0, 0.05), (3.0, 0.05)])
    }

    #[test]
    fn texts_are_escaped_and_every_series_is_drawn() {
        let svg = sample().svg().unwrap();
        assert!(svg.contains("<title>F &amp; &lt;c&gt;</title>"));
        // The point that a logarithmic axis cannot show cuts the first line: a dot, and a line of two points.
        assert_eq!((svg.matches("<circle").count(), svg.matches("<polyline").count()), (1, 2));
        assert_eq!(svg.matches("stroke-dasharray").count(), 2);
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn points_that_cannot_be_drawn_are_refused() {
        let nan = Plot::new("t", "x", "y").line("a", [(0.0, 0.0), (1.0, f64::NAN)]);
        assert!(matches!(nan.svg(), Err(PlotError::NotFinite { index: 1, .. })));
        assert_eq!(Plot::new("t", "x", "y").svg(), Err(PlotError::Empty { title: "t".into() }));
        let negative = Plot::new("t", "x", "y").logarithmic().line("a", [(0.0, -1.0)]);
        assert!(matches!(negative.svg(), Err(PlotError::Empty { .. })));
        let constant = Plot::new("t", "x", "y").line("a", [(1.0, 0.0)]).line("b", []);
        assert!(!constant.svg().unwrap().contains("NaN"));
    }

    #[test]
    fn files_are_written_whole_or_not_at_all() {
        let folder = std::env::temp_dir().join(format!("ketline-plot-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("plot.svg");
        assert!(write(&path, &[sample(), Plot::new("empty", "x", "y")]).is_err());
        assert!(!path.exists());
        write(&path, &[sample(), sample()]).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().ends_with("</svg>\n"));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
