//! Every colour and size of the window. No other file may make a colour; `clippy.toml` sees to that.
//!
//! Dark is the copper of a still on deep slate, light is warm paper. The ten class colours follow Petroff (2021), chosen
//! to be told apart with any colour vision, and every class also has a marker shape of its own.
#![allow(clippy::disallowed_methods)]

use egui::{
    Color32, Context, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, Style, TextStyle, Theme as Mode, Ui,
    style::{HandleShape, WidgetVisuals},
    vec2,
};

/// The colours of one mode.
pub struct Theme {
    /// Behind the panels.
    pub ground: Color32,
    /// Panels.
    pub panel: Color32,
    /// What lies on a panel: strips, fields.
    pub raised: Color32,
    /// Buttons and number boxes.
    pub control: Color32,
    /// Hairlines and grids.
    pub line: Color32,
    /// Text.
    pub text: Color32,
    /// Text that explains.
    pub dim: Color32,
    /// Marks that stay in the background.
    pub faint: Color32,
    /// Copper: what is active, what is live.
    pub accent: Color32,
    /// Text on copper.
    pub on_accent: Color32,
    /// Copper, thin.
    pub wash: Color32,
    /// The second meter: gradients.
    pub second: Color32,
    /// Something to know.
    pub warn: Color32,
    /// Something failed.
    pub bad: Color32,
    /// Behind a failure.
    pub bad_wash: Color32,
    /// Real points in the feature plane.
    pub classes: [Color32; 10],
    /// Opacity of real points.
    pub real_alpha: f32,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

const fn hexes(list: [u32; 10]) -> [Color32; 10] {
    let mut colors = [Color32::BLACK; 10];
    let mut at = 0;
    while at < 10 {
        colors[at] = rgb(list[at]);
        at += 1;
    }
    colors
}

static DARK: Theme = Theme {
    ground: rgb(0x0e_1216),
    panel: rgb(0x16_1c22),
    raised: rgb(0x1e_262e),
    control: rgb(0x2c_3741),
    line: rgb(0x2b_353f),
    text: rgb(0xe4_e6e6),
    dim: rgb(0x97_a2ac),
    faint: rgb(0x5d_6974),
    accent: rgb(0xe2_9a5c),
    on_accent: rgb(0x1c_1209),
    wash: rgb(0x3a_2c22),
    second: rgb(0x6c_b2c9),
    warn: rgb(0xe8_bf58),
    bad: rgb(0xf0_7f6a),
    bad_wash: rgb(0x3d_2422),
    classes: hexes([
        0x5a_a5e8, 0xff_b02e, 0xe8_5a43, 0xb4_c2c0, 0xb9_86e8, 0xc9_9280, 0xf5_8231, 0xd3_c78c, 0x93_9aaa, 0xa5_e6e8,
    ]),
    real_alpha: 0.38,
};

static LIGHT: Theme = Theme {
    ground: rgb(0xe8_e0d2),
    panel: rgb(0xf7_f2e8),
    raised: rgb(0xff_fcf5),
    control: rgb(0xef_e5d4),
    line: rgb(0xdb_d0bd),
    text: rgb(0x2a_251f),
    dim: rgb(0x6f_6557),
    faint: rgb(0xa3_9785),
    accent: rgb(0xa4_541d),
    on_accent: rgb(0xff_f8ee),
    wash: rgb(0xf0_dcc6),
    second: rgb(0x1f_7289),
    warn: rgb(0x8f_6200),
    bad: rgb(0xad_3019),
    bad_wash: rgb(0xf6_d9d0),
    classes: hexes([
        0x2f_7fc8, 0xd1_8300, 0xb8_1d00, 0x75_8886, 0x7a_28ab, 0x95_5a49, 0xd6_5b00, 0x8d_8244, 0x5d_616d, 0x2f_979d,
    ]),
    real_alpha: 0.34,
};

impl Theme {
    /// The colour of a class by its position; classes beyond ten share colours and are told apart by name.
    pub fn class(&self, position: usize) -> Color32 {
        self.classes[position % self.classes.len()]
    }

    /// The colour of one of many things that are no classes; beyond ten they share colours.
    pub fn item(&self, position: usize) -> Color32 {
        self.class(position).lerp_to_gamma(self.text, 0.4)
    }

    /// The colour of a term; the order differs from that of the classes' use, the palette is the same.
    pub fn term(&self, position: usize) -> Color32 {
        const ORDER: [usize; 9] = [0, 4, 9, 1, 2, 7, 5, 3, 8];
        self.classes[ORDER[position % ORDER.len()]]
    }
}

/// A colour with another opacity, from 0 to 1.
pub fn fade(color: Color32, opacity: f32) -> Color32 {
    color.gamma_multiply(opacity)
}

/// For textures that are tinted when drawn: white with this opacity.
pub fn coverage(alpha: u8) -> Color32 {
    Color32::from_white_alpha(alpha)
}

/// The colours in use.
pub fn of(ui: &Ui) -> &'static Theme {
    if ui.visuals().dark_mode { &DARK } else { &LIGHT }
}

/// The colours of a mode by visuals, where no `Ui` is at hand.
pub fn of_visuals(visuals: &egui::Visuals) -> &'static Theme {
    if visuals.dark_mode { &DARK } else { &LIGHT }
}

/// Gap between panels.
pub const GAP: f32 = 6.0;
/// Rounding of panels.
pub const ROUND: u8 = 6;
/// Numbers in columns: every digit has the same width.
pub fn digits(size: f32) -> FontId {
    FontId::new(size, FontFamily::Monospace)
}
/// Small explaining text.
pub const SMALL: f32 = 11.5;

/// Gives both modes to a context.
pub fn install(ctx: &Context) {
    ctx.style_mut_of(Mode::Dark, |style| apply(style, &DARK));
    ctx.style_mut_of(Mode::Light, |style| apply(style, &LIGHT));
}

fn apply(style: &mut Style, theme: &Theme) {
    let proportional = |size| FontId::new(size, FontFamily::Proportional);
    style.text_styles = [
        (TextStyle::Small, proportional(SMALL)),
        (TextStyle::Body, proportional(13.5)),
        (TextStyle::Button, proportional(13.5)),
        (TextStyle::Heading, proportional(17.0)),
        (TextStyle::Monospace, digits(12.0)),
    ]
    .into();
    style.spacing.item_spacing = vec2(8.0, 6.0);
    style.spacing.button_padding = vec2(9.0, 4.0);
    style.spacing.interact_size.y = 24.0;
    style.spacing.tooltip_width = 340.0;
    style.spacing.scroll.floating = true;
    style.spacing.window_margin = Margin::same(14);
    style.spacing.menu_margin = Margin::same(6);
    style.interaction.selectable_labels = false;
    style.interaction.tooltip_delay = 0.35;
    style.animation_time = 0.08;

    let visuals = &mut style.visuals;
    visuals.override_text_color = None;
    visuals.weak_text_color = Some(theme.dim);
    visuals.panel_fill = theme.ground;
    visuals.window_fill = theme.panel;
    visuals.window_stroke = Stroke::new(1.0, theme.line);
    visuals.window_corner_radius = CornerRadius::same(8);
    visuals.menu_corner_radius = CornerRadius::same(6);
    visuals.extreme_bg_color = theme.ground;
    visuals.text_edit_bg_color = Some(theme.ground);
    visuals.faint_bg_color = theme.raised;
    visuals.code_bg_color = theme.raised;
    visuals.warn_fg_color = theme.warn;
    visuals.error_fg_color = theme.bad;
    visuals.hyperlink_color = theme.accent;
    visuals.selection.bg_fill = theme.wash;
    visuals.selection.stroke = Stroke::new(1.0, theme.accent);
    visuals.slider_trailing_fill = true;
    visuals.handle_shape = HandleShape::Circle;
    let shadow = Shadow {
        offset: [0, 6],
        blur: 18,
        spread: 0,
        color: Color32::from_black_alpha(if visuals.dark_mode { 120 } else { 40 }),
    };
    visuals.popup_shadow = shadow;
    visuals.window_shadow = shadow;

    let widget = |fill: Color32, weak: Color32, line: Color32, text: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: weak,
        bg_stroke: Stroke::new(1.0, line),
        corner_radius: CornerRadius::same(5),
        fg_stroke: Stroke::new(1.0, text),
        expansion: 0.0,
    };
    let clear = Color32::TRANSPARENT;
    visuals.widgets.noninteractive = widget(theme.panel, theme.panel, theme.line, theme.text);
    visuals.widgets.inactive = widget(theme.line, theme.control, clear, theme.text);
    visuals.widgets.hovered = widget(theme.line, theme.control, theme.faint, theme.text);
    visuals.widgets.active = widget(theme.wash, theme.wash, theme.accent, theme.text);
    visuals.widgets.open = widget(theme.raised, theme.raised, theme.faint, theme.text);
}
